/** What tests of several rooms share. */
@org.jspecify.annotations.NullMarked
package dev.qnet.compiler.testing;
