/**
 * Runs compiled models: {@link dev.qnet.runtime.Model#load(java.nio.file.Path)} loads one, {@link
 * dev.qnet.runtime.Session} runs it. Depends on the JDK alone. {@link dev.qnet.runtime.Program}, {@link
 * dev.qnet.runtime.WeightsReader} and {@link dev.qnet.runtime.Descriptor} are what generated code and compilers use; an
 * application needs none of them.
 */
@org.jspecify.annotations.NullMarked
package dev.qnet.runtime;
