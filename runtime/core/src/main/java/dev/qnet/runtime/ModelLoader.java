package dev.qnet.runtime;

import dev.qnet.runtime.kernel.Backend;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/** Puts a model together from its files, or from the class path. */
final class ModelLoader {
    private static final int MAX_LAYERS = 1 << 24;

    private ModelLoader() {}

    static Model load(Path path, LoadOptions options) {
        if (ModelFiles.isLibrary(path)) {
            return NativeLibrary.load(path, options);
        }
        return load(ModelFiles.read(path), path.toString(), options.backend(), options.threads());
    }

    static Model load(Map<String, byte[]> files, String source, Backend backend, int threads) {
        return load(files, source, backend, threads, null);
    }

    /** As above; what runs is what an operator, if there is one, makes of the program. */
    static Model load(
            Map<String, byte[]> files,
            String source,
            Backend backend,
            int threads,
            @Nullable UnaryOperator<Program> form) {
        String base = ModelFiles.only(files, source);
        byte[] weights = files.get(base + ModelFiles.WEIGHTS);
        if (weights == null) {
            throw new ModelException(source + ": " + base + ModelFiles.WEIGHTS + " is missing");
        }
        byte[] text = files.getOrDefault(base + ModelFiles.DESCRIPTOR, new byte[0]);
        Descriptor d = DescriptorText.parse(new String(text, StandardCharsets.US_ASCII), source);
        return assemble(d, weights, new GeneratedClasses(files), source, backend, threads, form);
    }

    static Model load(Class<?> api, LoadOptions options) {
        String name = api.getSimpleName();
        byte[] text = ModelFiles.resource(api, name + ModelFiles.DESCRIPTOR);
        Descriptor d = DescriptorText.parse(new String(text, StandardCharsets.US_ASCII), api.getName());
        byte[] weights = ModelFiles.resource(api, name + ModelFiles.WEIGHTS);
        ClassLoader loader = api.getClassLoader();
        ClassLoader used = loader == null ? ClassLoader.getSystemClassLoader() : loader;
        return assemble(d, weights, used, api.getName(), options.backend(), options.threads(), null);
    }

    private static Model assemble(
            Descriptor d,
            byte[] weights,
            ClassLoader loader,
            String source,
            Backend backend,
            int threads,
            @Nullable UnaryOperator<Program> form) {
        try {
            checkParts(d, weights);
            Program program = instantiate(d.program(), loader);
            return Model.of(d, form == null ? program : form.apply(program), weights, backend, threads);
        } catch (ModelException e) {
            throw new ModelException(source + ": " + e.getMessage(), e.getCause() == null ? e : e.getCause());
        }
    }

    private static Program instantiate(String className, ClassLoader loader) {
        if (!className.startsWith(ModelFiles.FOLDER.replace('/', '.'))) {
            throw new ModelException("'" + className + "' is no class of a model");
        }
        try {
            Constructor<?> c = Class.forName(className, true, loader).getDeclaredConstructor();
            c.setAccessible(true);
            if (c.newInstance() instanceof Program p) {
                return p;
            }
            throw new ModelException(className + " is no program");
        } catch (ReflectiveOperationException | LinkageError | RuntimeException e) {
            if (e instanceof ModelException m) {
                throw m;
            }
            Throwable cause = e instanceof InvocationTargetException i && i.getCause() != null ? i.getCause() : e;
            throw new ModelException("the class " + className + " cannot be loaded: " + cause, cause);
        }
    }

    /** Checks what a damaged descriptor or truncated weights would break later, or turn into too much memory. */
    static void checkParts(Descriptor d, byte[] weights) {
        if (weights.length != d.weightsBytes()) {
            throw new ModelException(
                    "the weights are damaged: expected " + d.weightsBytes() + " bytes, found " + weights.length);
        }
        CRC32 crc = new CRC32();
        crc.update(weights);
        if (crc.getValue() != d.weightsCrc()) {
            throw new ModelException("the weights are damaged: their checksum is " + Long.toHexString(crc.getValue())
                    + ", expected " + Long.toHexString(d.weightsCrc()));
        }
        if (d.layers() < 0 || d.layers() > MAX_LAYERS) {
            throw new ModelException("a model has 0 to " + MAX_LAYERS + " layers, found " + d.layers());
        }
        long heap = Runtime.getRuntime().maxMemory();
        if (d.banks().total() > heap) {
            throw new ModelException("its activations take " + d.banks().total() + " bytes, more than the heap of "
                    + heap + " bytes (raise -Xmx)");
        }
        for (Descriptor.State s : d.states()) {
            long size = d.banks().of(s.info().type());
            long count = s.info().itemElements();
            if (s.offset() < 0 || s.next() < 0 || s.offset() + count > size || s.next() + count > size) {
                throw new ModelException("state '" + s.info().name() + "' lies outside its bank");
            }
        }
        for (Descriptor.Constant c : d.constants()) {
            if (c.offset() < 0
                    || c.count() < 0
                    || c.offset() + (long) c.count() > d.banks().of(c.type())) {
                throw new ModelException("a constant lies outside its bank: " + c);
            }
        }
    }

    /** Sees a model's own classes first, so that a model of the same name on the class path is not taken for it. */
    private static final class GeneratedClasses extends ClassLoader {
        static {
            registerAsParallelCapable();
        }

        private final Map<String, byte[]> classes;

        GeneratedClasses(Map<String, byte[]> files) {
            super("qnet-model", Program.class.getClassLoader());
            classes = new HashMap<>();
            for (Map.Entry<String, byte[]> e : files.entrySet()) {
                if (e.getKey().endsWith(".class")) {
                    classes.put(e.getKey(), e.getValue());
                }
            }
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            byte[] bytes = classes.get(name.replace('.', '/') + ".class");
            if (bytes == null) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                @Nullable Class<?> c = findLoadedClass(name);
                return c != null ? c : defineClass(name, bytes, 0, bytes.length);
            }
        }
    }
}
