package dev.qnet.formats.onnx;

import java.io.IOException;
import java.io.OutputStream;

/** An ONNX model that was made here, ready to be written. */
public final class OnnxModel {
    private final Proto.Model model;

    OnnxModel(Proto.Model model) {
        this.model = model;
    }

    /** The version of ONNX's operators that it uses. */
    public int opset() {
        return Math.toIntExact(model.opsets().getOrDefault("", 0L));
    }

    /** Its bytes: a ModelProto. */
    public byte[] bytes() {
        return ProtoWriter.bytes(model);
    }

    /** Writes its bytes. */
    public void writeTo(OutputStream out) throws IOException {
        out.write(bytes());
    }
}
