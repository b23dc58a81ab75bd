package dev.qnet.cli.image;

import dev.qnet.cli.AtomicFiles;
import dev.qnet.cli.UserException;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
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
     * A picture as a batch of one for an input [N, height, width, channels] of 1 (grey) or 3 (red, green, blue) channels:
     * {@linkplain Picture#withChannels turned} grey or coloured and {@linkplain Picture#resized resized} as needed, then
     * scaled to real numbers. An input of plain {@code u8}, without quantization, gets the levels themselves.
     *
     * @throws UserException if the file is no picture, is damaged, or is too large, or if the input takes no pictures
     * @throws IOException if the file cannot be read
     */
    public static Tensor read(Path file, TensorInfo input, Scaling scaling) throws IOException {
        boolean levels = input.type() == ElementType.U8 && input.quantization() == null;
        if (input.shape().size() != 4
                || (input.shape().get(3) != 1 && input.shape().get(3) != 3)
                || !(levels || input.accepts(ElementType.F32))) {
            throw new UserException(
                    file + ": input '" + input.name() + "' takes no pictures, it expects " + input.expectation());
        }
        int height = input.shape().get(1);
        int width = input.shape().get(2);
        int channels = input.shape().get(3);
        byte[] fitted = read(file).withChannels(channels).resized(height, width).levels();
        if (!levels) {
            return Tensor.ofFloats(scaling.apply(fitted, channels), 1, height, width, channels);
        }
        if (!scaling.equals(Scaling.RAW)) {
            throw new UserException(
                    file + ": input '" + input.name() + "' takes levels as they are, and --scale asks for others",
                    "leave --scale out");
        }
        return Tensor.ofUint8(fitted, 1, height, width, channels);
    }

    /**
     * Writes the first item of a tensor [N, height, width, 1 or 3] of f32 or u8 as PNG: 0 is black, {@code white} is
     * white, what lies outside is clipped, and NaN is black.
     *
     * @throws UserException if the tensor is no picture
     * @throws IOException if the file cannot be written
     */
    public static void writePng(Path file, Tensor tensor, float white) throws IOException {
        int[] shape = tensor.shape();
        if (shape.length != 4
                || (shape[3] != 1 && shape[3] != 3)
                || tensor.size() == 0
                || (tensor.type() != ElementType.F32 && tensor.type() != ElementType.U8)) {
            throw new UserException(
                    file + ": an output " + tensor.type() + " " + Arrays.toString(shape)
                            + " is no picture, f32 or u8 [N, height, width, 1 or 3]",
                    "write it as .npy");
        }
        byte[] levels = new byte[shape[1] * shape[2] * shape[3]];
        for (int i = 0; i < levels.length; i++) {
            float v = tensor.type() == ElementType.F32 ? tensor.floats()[i] : Byte.toUnsignedInt(tensor.bytes()[i]);
            levels[i] = (byte) Math.clamp(Math.round((double) v * 255 / white), 0, 255);
        }
        write(file, new Picture(shape[1], shape[2], shape[3], levels));
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
