/**
 * TVM's C API, typed: functions by name, handles that belong to a scope, errors as exceptions. The one package that calls
 * native code.
 */
@org.jspecify.annotations.NullMarked
package dev.qnet.target.tvm.ffi;
