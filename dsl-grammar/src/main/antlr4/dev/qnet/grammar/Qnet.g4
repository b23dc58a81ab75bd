/*
 * The language of .qnet files, version 1. docs/language.md explains it construct by construct.
 *
 * No newline ends anything: every construct is told from its neighbours by at most two tokens. Two choices make that so.
 * First, nothing but an assignment begins with an identifier, and no expression goes on with one. Second, the lists that
 * have no commas (the items of a scheme's entry, of an input, of a calibrated value, of a type) hold plain identifiers
 * only, so that a word such as "activations", a name before ':' or a '=' ends them.
 *
 * Operators come as a flat list: the syntax tree's builder sorts them by precedence. A rule for each precedence would put
 * ten nested contexts around each number of an inline tensor, and would word its errors no better.
 */
grammar Qnet;

// ---- declarations

file : header declaration* EOF ;

header : QNET INT ;

declaration : include | scheme | block | model | constant | calibration ;

include : INCLUDE STRING ;

scheme : SCHEME name (EXTENDS name)? LBRACE schemeEntry* RBRACE ;

schemeEntry : (WEIGHTS | ACTIVATIONS | BIAS) item+ | ROUNDING item ;

item : ID arguments? ;

block : BLOCK name parameters body ;

model : MODEL name parameters ARROW results (QUANTIZED name)? body ;

parameters : LPAREN (parameter (COMMA parameter)* COMMA?)? RPAREN ;

parameter : name (COLON type)? (ASSIGN expr | annotation*) ;

results : result | LPAREN result (COMMA result)* COMMA? RPAREN ;

result : (name COLON)? type annotation* ;

type : ID (LBRACKET (expr (COMMA expr)* COMMA?)? RBRACKET)? item* ;

constant : CONST name (COLON type)? ASSIGN expr ;

calibration : CALIBRATION name LBRACE calibrationEntry* RBRACE ;

calibrationEntry : path COLON item+ ;

path : name (DOT name)* | STRING ;

// ---- statements

body : LBRACE statement* RBRACE ;

statement
    : constant
    | weightsFile
    | input
    | labels
    | state
    | next
    | assignment
    | repeat
    | ifStatement
    | returnStatement
    ;

weightsFile : PARAMETERS STRING ;

input : INPUT name item* ;

labels : LABELS expr ;

state : STATE name COLON type ;

next : NEXT name ASSIGN expr ;

/* A value, or with a type one operation of the IR in the IR's terms. One rule, for errors before the '=' or ':'. */
assignment : name (COLON type ASSIGN mnemonic arguments annotation* | (COMMA name)* ASSIGN expr) ;

mnemonic : name (DOT name)? ;

repeat : REPEAT name IN expr body ;

ifStatement : IF expr body (ELSE IF expr body)* (ELSE body)? ;

returnStatement : RETURN argument (COMMA argument)* ;

// ---- expressions

expr : operation annotation* stage* ;

stage : PIPE name arguments? annotation* ;

annotation : AT name arguments? ;

arguments : LPAREN (argument (COMMA argument)* COMMA?)? RPAREN ;

argument : (name COLON)? expr ;

operation
    : operand
        (( RANGE | OR | AND | EQ | NE | LT | LE | GT | GE | PLUS | MINUS | STAR | SLASH | PERCENT ) operand)*
    ;

operand : (MINUS | NOT)* primary suffix* ;

suffix
    : DOT name                                              # attribute
    | LBRACKET expr (COMMA expr)* COMMA? RBRACKET           # index
    ;

primary
    : INT                                                   # integer
    | FLOAT                                                 # float
    | (TRUE | FALSE)                                        # boolean
    | STRING                                                # string
    | name arguments?                                       # use
    | LPAREN expr RPAREN                                    # group
    | LBRACKET (expr (COMMA expr)* COMMA?)? RBRACKET        # list
    | IF expr LBRACE expr RBRACE (ELSE IF expr LBRACE expr RBRACE)* ELSE LBRACE expr RBRACE  # choice
    ;

/* An identifier, or a word that is reserved only where a statement or an entry begins. */
name : ID | QNET | WEIGHTS | ACTIVATIONS | BIAS | ROUNDING | PARAMETERS | INPUT | LABELS | STATE | NEXT ;

/* What stands between the braces of a string; parsed apart, with the string's own bounds. */
interpolation : expr EOF ;

// ---- words

QNET : 'qnet' ;
INCLUDE : 'include' ;
SCHEME : 'scheme' ;
EXTENDS : 'extends' ;
WEIGHTS : 'weights' ;
ACTIVATIONS : 'activations' ;
BIAS : 'bias' ;
ROUNDING : 'rounding' ;
BLOCK : 'block' ;
MODEL : 'model' ;
QUANTIZED : 'quantized' ;
CALIBRATION : 'calibration' ;
CONST : 'const' ;
PARAMETERS : 'parameters' ;
INPUT : 'input' ;
LABELS : 'labels' ;
STATE : 'state' ;
NEXT : 'next' ;
REPEAT : 'repeat' ;
IN : 'in' ;
IF : 'if' ;
ELSE : 'else' ;
RETURN : 'return' ;
TRUE : 'true' ;
FALSE : 'false' ;

ID : [A-Za-z_] [A-Za-z_0-9]* ;

// ---- literals

/* "5..50" is a range: a fraction needs a digit after its point. */
FLOAT : [0-9]+ '.' [0-9]+ EXPONENT? | [0-9]+ EXPONENT ;
INT : [0-9]+ ;
fragment EXPONENT : [eE] [+-]? [0-9]+ ;

STRING : '"' ('\\' ~[\r\n] | ~["\\\r\n])* '"' ;
/* Shorter than a closed string, so it wins only where none closes on the line. */
UNTERMINATED_STRING : '"' ('\\' ~[\r\n] | ~["\\\r\n])* ;

// ---- signs

PIPE : '|>' ;
ARROW : '->' ;
RANGE : '..' ;
OR : '||' ;
AND : '&&' ;
EQ : '==' ;
NE : '!=' ;
LE : '<=' ;
GE : '>=' ;
LT : '<' ;
GT : '>' ;
PLUS : '+' ;
MINUS : '-' ;
STAR : '*' ;
SLASH : '/' ;
PERCENT : '%' ;
NOT : '!' ;
ASSIGN : '=' ;
AT : '@' ;
DOT : '.' ;
COMMA : ',' ;
COLON : ':' ;
LPAREN : '(' ;
RPAREN : ')' ;
LBRACKET : '[' ;
RBRACKET : ']' ;
LBRACE : '{' ;
RBRACE : '}' ;

// ---- what stands between tokens

LINE_COMMENT : '//' ~[\r\n]* -> channel(HIDDEN) ;
BLOCK_COMMENT : '/*' .*? '*/' -> channel(HIDDEN) ;
UNTERMINATED_COMMENT : '/*' ;
SPACE : [ \t\r\n\f]+ -> skip ;

/* Anything else, so that the lexer itself never fails. */
STRAY : . ;
