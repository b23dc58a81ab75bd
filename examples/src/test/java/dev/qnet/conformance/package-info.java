/** What holds across the whole house: random networks on every target, the walls between rooms, the examples. */
@org.jspecify.annotations.NullMarked
package dev.qnet.conformance;
