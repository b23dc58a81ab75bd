grammar Qnet;

file : 'qnet' INT EOF ;

INT : [0-9]+ ;
WS : [ \t\r\n]+ -> channel(HIDDEN) ;
