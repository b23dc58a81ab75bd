package dev.qnet.cli.image;

import dev.qnet.cli.AtomicFiles;
import dev.qnet.cli.UserException;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;

/** Pictures as a model's inputs and outputs. */
public final class Images {
    private Images() {}

    /**
     * Reads a picture file as 8-bit levels, grey where the file is grey.
     *
     * @throws UserException if the file is no picture, is damaged, or is too large
     * @throws IOException if the file cannot be read
     */
    public static Picture read(Path file) throws IOException {
        return PictureReader.read(file);
    }

    /**
     * A picture as a batch of one for an input of 1 (grey) or 3 (red, green, blue) channels, which lie side by side
     * [N, height, width, channels] or one behind the other [N, channels, height, width]:
     * {@linkplain Picture#withChannels turned} grey or coloured and {@linkplain Picture#resized resized} as needed, then
     * scaled to real numbers. An input of plain {@code u8}, without quantization, gets the levels themselves.
     *
     * @throws UserException if the file is no picture, is damaged, or is too large, or if the input takes no pictures
     * @throws IOException if the file cannot be read
     */
    public static Tensor read(Path file, TensorInfo input, Scaling scaling) throws IOException {
        boolean levels = input.type() == ElementType.U8 && input.quantization() == null;
        Layout layout = Layout.of(input.shape());
        if (layout == null || !(levels || input.accepts(ElementType.F32))) {
            throw new UserException(file + ": input '" + input.name() + "' takes no pictures, it expects "
                    + input.expectation() + "; give it as .npy, .npz or .bin");
        }
        int channels = layout.channels();
        byte[] fitted = read(file)
                .withChannels(channels)
                .resized(layout.height(), layout.width())
                .levels();
        int[] shape = input.shapeFor(1);
        if (!levels) {
            return Tensor.ofFloats(layout.from(scaling.apply(fitted, channels)), shape);
        }
        if (!scaling.equals(Scaling.RAW)) {
            throw new UserException(
                    file + ": input '" + input.name() + "' takes levels as they are, and --scale asks for others",
                    "leave --scale out");
        }
        return Tensor.ofUint8(layout.from(fitted), shape);
    }

    /**
     * A picture as an item of a shape that holds pictures, turned and resized as needed.
     *
     * @param shape [height, width, channels], [channels, height, width] or [height, width]
     * @return levels, 0 to 255, in the shape's layout
     * @throws UserException if the file is no picture, is damaged, or is too large, or if the shape holds no pictures
     * @throws IOException if the file cannot be read
     */
    public static float[] levels(Path file, List<Integer> shape) throws IOException {
        List<Integer> batch = new ArrayList<>(shape);
        batch.addFirst(-1);
        Layout layout = shape.size() == 2 || shape.size() == 3 ? Layout.of(batch) : null;
        if (layout == null) {
            throw new UserException(file + ": the model's input " + shape + " takes no pictures, which are"
                    + " [N, height, width, 1 or 3], [N, 1 or 3, height, width] or [N, height, width]");
        }
        byte[] fitted = read(file)
                .withChannels(layout.channels())
                .resized(layout.height(), layout.width())
                .levels();
        return layout.from(Scaling.RAW.apply(fitted, layout.channels()));
    }

    /**
     * Writes the first item of a tensor of f32 or u8, laid out as {@link #read(Path, TensorInfo, Scaling)} says, as PNG:
     * 0 is black, {@code white} is white, what lies outside is clipped, and NaN is black.
     *
     * @throws UserException if the tensor is no picture
     * @throws IOException if the file cannot be written
     */
    public static void writePng(Path file, Tensor tensor, float white) throws IOException {
        int[] shape = tensor.shape();
        Layout layout = Layout.of(Arrays.stream(shape).boxed().toList());
        if (layout == null
                || tensor.size() == 0
                || (tensor.type() != ElementType.F32 && tensor.type() != ElementType.U8)) {
            throw new UserException(
                    file + ": an output " + tensor.type() + " " + Arrays.toString(shape)
                            + " is no picture, f32 or u8 [N, height, width, 1 or 3] or [N, 1 or 3, height, width]",
                    "write it as .npy");
        }
        byte[] levels = new byte[layout.height() * layout.width() * layout.channels()];
        boolean real = tensor.type() == ElementType.F32;
        for (int i = 0; i < levels.length; i++) {
            int at = layout.place(i);
            float v = real ? tensor.floats()[at] : Byte.toUnsignedInt(tensor.bytes()[at]);
            levels[i] = (byte) Math.clamp(Math.round((double) v * 255 / white), 0, 255);
        }
        write(file, new Picture(layout.height(), layout.width(), layout.channels(), levels));
    }

    /** Writes a picture as PNG, whole or not at all. */
    public static void write(Path file, Picture picture) throws IOException {
        AtomicFiles.write(file, out -> {
            if (!ImageIO.write(picture.toImage(), "png", out)) {
                throw new IOException("this JDK has no PNG writer");
            }
        });
    }
}
