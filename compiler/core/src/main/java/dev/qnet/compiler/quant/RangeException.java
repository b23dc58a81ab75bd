package dev.qnet.compiler.quant;

/** A range or parameters from which no quantization can be made. The message says why, in the field's terms. */
public final class RangeException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final String code;

    /**
     * @param code of the diagnostic that shall tell it
     * @param message one sentence without a full stop
     */
    public RangeException(String code, String message) {
        super(message);
        this.code = code;
    }

    public String code() {
        return code;
    }
}
