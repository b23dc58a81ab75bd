package dev.qnet.runtime;

import dev.qnet.runtime.kernel.Rounding;
import java.util.List;

/**
 * What a model's code does not say about itself: the resource beside the generated class. {@link DescriptorText} gives
 * its text form.
 *
 * @param name the model's name in its source
 * @param version the Qnet version that compiled it
 * @param rounding the rounding contract of its integer arithmetic: {@code tflite}, {@code tosa}, {@code onnx} or
 *     {@code xnnpack}; {@code none} for a model without any
 * @param program the binary name of the {@link Program}
 * @param layers plans that the program prepares
 * @param banks elements of each activation bank
 * @param weightsBytes length of the weights resource
 * @param weightsCrc CRC-32 of the weights resource
 * @param constants what lies in the banks from the beginning
 * @param inputs its inputs, in order
 * @param outputs its outputs, in order
 * @param states what it remembers from run to run, in order
 */
public record Descriptor(
        String name,
        String version,
        String rounding,
        String program,
        int layers,
        Banks banks,
        int weightsBytes,
        long weightsCrc,
        List<Constant> constants,
        List<Port> inputs,
        List<Port> outputs,
        List<State> states) {
    /**
     * The version of the form and of the methods that generated code calls. A runtime runs models of its own version
     * only: an application then compiles them again.
     */
    public static final int FORMAT = 2;

    public Descriptor {
        constants = List.copyOf(constants);
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
        states = List.copyOf(states);
    }

    /**
     * Elements of each activation bank of a {@link dev.qnet.runtime.kernel.Banks}.
     *
     * @param bytes of the bank of 8-bit elements
     * @param shorts of 16-bit elements
     * @param ints of 32-bit elements
     * @param longs of 64-bit elements
     * @param floats of singles
     */
    public record Banks(int bytes, int shorts, int ints, int longs, int floats) {
        public Banks {
            if (bytes < 0 || shorts < 0 || ints < 0 || longs < 0 || floats < 0) {
                throw new ModelException("a bank's size is negative");
            }
        }

        /** Elements of the bank that holds a type. */
        public int of(ElementType type) {
            return switch (type) {
                case F32 -> floats;
                case BOOL, I8, U8 -> bytes;
                case I16, U16 -> shorts;
                case I32 -> ints;
                case I64 -> longs;
            };
        }

        /** Bytes of all banks together. */
        public long total() {
            return bytes + 2L * shorts + 4L * ints + 8L * longs + 4L * floats;
        }
    }

    /**
     * An input or output, and where one item of it lies.
     *
     * @param info what the user sees
     * @param offset its first element in the bank of its type
     * @param rounding how real numbers for it become codes
     */
    public record Port(TensorInfo info, int offset, Rounding rounding) {}

    /**
     * A value that is kept from one run to the next, real 0 at first.
     *
     * @param info what it is
     * @param offset its first element in the bank of its type
     * @param next the first element, in the same bank, of what it becomes after a run
     */
    public record State(TensorInfo info, int offset, int next) {}

    /**
     * A constant that layers read as they read an activation, or that is an output.
     *
     * @param type of its elements
     * @param offset its first element in the bank of its type
     * @param weightsOffset its first byte in the weights resource
     * @param count how many elements
     * @param bits bits an element takes in the weights resource; below 8 they are packed
     */
    public record Constant(ElementType type, int offset, int weightsOffset, int count, int bits) {}
}
