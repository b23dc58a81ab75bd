/** What a target tells the compiler about itself. Targets live in modules of their own and know each other not. */
@org.jspecify.annotations.NullMarked
package dev.qnet.compiler.target;
