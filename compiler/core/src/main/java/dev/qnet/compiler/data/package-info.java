/** Parameters and data sets in files: safetensors, npz, idx. All are read under limits; errors name file and entry. */
@org.jspecify.annotations.NullMarked
package dev.qnet.compiler.data;
