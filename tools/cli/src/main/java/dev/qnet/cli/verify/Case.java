package dev.qnet.cli.verify;

import java.nio.file.Path;

/**
 * Something to check, found but not read yet.
 *
 * @param name how reports call it: its path as the user would write it
 * @param folder what reports count it under: the path that the user gave, or the folder below that it lies in
 * @param path the folder of the case, or its file
 * @param kind how it is read
 */
public record Case(String name, String folder, Path path, Kind kind) {
    /** The forms of a case. */
    public enum Kind {
        /** A folder with model.onnx and test_data_set_N/input_I.pb, output_I.pb: ONNX's own backend tests. */
        ONNX_TEST,
        /** A folder with goldens.json: a model, samples and their outputs as raw elements. */
        GOLDENS,
        /** A folder with case.json: a model of one operator with one sample. */
        OPERATOR,
        /** A JSON file with the macros and arrays of a unit test of CMSIS-NN. */
        CMSIS_NN,
        /** A model file alone: targets are compared with the oracle on random inputs. */
        MODEL
    }
}
