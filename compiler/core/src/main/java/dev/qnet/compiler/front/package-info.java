/** The language's front end: text to tree, includes, and the canonical layout. */
@org.jspecify.annotations.NullMarked
package dev.qnet.compiler.front;
