/** Models of other systems: TFLite and ONNX in, ONNX out. */
module dev.qnet.formats {
    requires transitive dev.qnet.compiler;
    requires com.google.protobuf;
    requires static org.jspecify;

    exports dev.qnet.formats;
    exports dev.qnet.formats.onnx;
}
