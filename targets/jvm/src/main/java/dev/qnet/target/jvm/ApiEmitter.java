package dev.qnet.target.jvm;

import dev.qnet.runtime.Descriptor;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.LoadOptions;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Session;
import dev.qnet.runtime.TensorInfo;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * Writes the typed API of a model, the class that applications compile against. For a model {@code resnet8} with input
 * {@code image} and output {@code scores}, both quantized:
 *
 * <pre>{@code
 * public final class Resnet8 implements AutoCloseable {
 *     public static Resnet8 load();                    // from the class path
 *     public static Resnet8 load(LoadOptions options); // threads, warm-up
 *     public Model model();
 *     public void close();                             // ends threads, if there are any
 *     public float[] run(float[] image);               // a batch of any size; several outputs give an Outputs
 *     public Request request();                        // runs without allocating
 *
 *     public static final class Request extends Session {
 *         public Request setImage(float[] values);     // bound until another takes its place
 *         public Request setImageCodes(byte[] codes);
 *         public Request intoScores(float[] values);
 *         public Request intoScoresCodes(byte[] codes);
 *     }
 * }
 * }</pre>
 *
 * <p>{@code run} is left out if an input or output is a plain integer.
 */
final class ApiEmitter {
    private static final String MODEL = Type.getInternalName(Model.class);
    private static final String MODEL_TYPE = "L" + MODEL + ";";
    private static final String SESSION = Type.getInternalName(Session.class);
    /** A method has at most 255 parameters. */
    private static final int MOST_PARAMETERS = 200;

    private static final int PUBLIC_FINAL = Opcodes.ACC_PUBLIC | Opcodes.ACC_FINAL;

    private final String name;
    private final String request;
    private final String outputs;
    private final List<TensorInfo> ins;
    private final List<TensorInfo> outs;
    private final boolean runs;

    private ApiEmitter(String name, Descriptor d) {
        this.name = name;
        request = name + "$Request";
        outputs = name + "$Outputs";
        ins = d.inputs().stream().map(Descriptor.Port::info).toList();
        outs = d.outputs().stream().map(Descriptor.Port::info).toList();
        runs = !outs.isEmpty()
                && ins.size() <= MOST_PARAMETERS
                && outs.size() <= MOST_PARAMETERS
                && ins.stream().allMatch(t -> t.accepts(ElementType.F32))
                && outs.stream().allMatch(t -> t.accepts(ElementType.F32));
    }

    /** The classes, by internal name. */
    static Map<String, byte[]> emit(String name, Descriptor descriptor) {
        ApiEmitter e = new ApiEmitter(name, descriptor);
        Map<String, byte[]> classes = new LinkedHashMap<>();
        classes.put(name, e.api());
        classes.put(e.request, e.request());
        if (e.runs && e.outs.size() > 1) {
            classes.put(e.outputs, e.outputs());
        }
        return classes;
    }

    private byte[] api() {
        ClassWriter cw = begin(name, "java/lang/Object", "java/lang/AutoCloseable");
        cw.visitField(Opcodes.ACC_PRIVATE | Opcodes.ACC_FINAL, "model", MODEL_TYPE, null, null)
                .visitEnd();
        Code init = Code.method(cw, Opcodes.ACC_PRIVATE, "<init>", "(" + MODEL_TYPE + ")V")
                .begin();
        init.load(0).callSpecial("java/lang/Object", "<init>", "()V");
        init.load(0).load(1).field(Opcodes.PUTFIELD, name, "model", MODEL_TYPE).end(Opcodes.RETURN);

        Code load = Code.method(cw, Opcodes.ACC_PUBLIC | Opcodes.ACC_STATIC, "load", "()L" + name + ";")
                .begin();
        load.create(name).push(Type.getObjectType(name)).callStatic(Model.class, "load", Model.class, Class.class);
        load.callSpecial(name, "<init>", "(" + MODEL_TYPE + ")V").end(Opcodes.ARETURN);

        String options = "(" + Type.getDescriptor(LoadOptions.class) + ")L" + name + ";";
        Code with = Code.method(cw, Opcodes.ACC_PUBLIC | Opcodes.ACC_STATIC, "load", options)
                .parameter("options")
                .begin();
        with.create(name)
                .push(Type.getObjectType(name))
                .load(0)
                .callStatic(Model.class, "load", Model.class, Class.class, LoadOptions.class);
        with.callSpecial(name, "<init>", "(" + MODEL_TYPE + ")V").end(Opcodes.ARETURN);

        Code close = Code.method(cw, Opcodes.ACC_PUBLIC, "close", "()V").begin();
        pushModel(close).call(Model.class, "close", void.class).end(Opcodes.RETURN);

        Code model =
                Code.method(cw, Opcodes.ACC_PUBLIC, "model", "()" + MODEL_TYPE).begin();
        pushModel(model).end(Opcodes.ARETURN);

        Code req = Code.method(cw, Opcodes.ACC_PUBLIC, "request", "()L" + request + ";")
                .begin();
        pushModel(req.create(request))
                .callSpecial(request, "<init>", "(" + MODEL_TYPE + ")V")
                .end(Opcodes.ARETURN);
        if (runs) {
            run(cw);
        }
        cw.visitEnd();
        return cw.toByteArray();
    }

    private void run(ClassWriter cw) {
        boolean one = outs.size() == 1;
        String descriptor = "(" + "[F".repeat(ins.size()) + ")" + (one ? "[F" : "L" + outputs + ";");
        Code c = Code.method(cw, Opcodes.ACC_PUBLIC, "run", descriptor);
        Set<String> taken = new HashSet<>();
        ins.forEach(t -> c.parameter(Names.unique(Names.parameter(t.name()), taken)));
        c.begin();
        if (!one) {
            c.create(outputs);
        }
        pushModel(c).push(ins.size()).newArray("[F");
        for (int i = 0; i < ins.size(); i++) {
            c.dup().push(i).load(i + 1).op(Opcodes.AASTORE);
        }
        c.call(Model.class, "runFloats", float[][].class, float[][].class);
        if (one) {
            c.push(0).op(Opcodes.AALOAD);
        } else {
            c.callSpecial(outputs, "<init>", "([[F)V");
        }
        c.end(Opcodes.ARETURN);
    }

    private Code pushModel(Code c) {
        return c.load(0).field(Opcodes.GETFIELD, name, "model", MODEL_TYPE);
    }

    private byte[] request() {
        ClassWriter cw = begin(request, SESSION);
        Code init = Code.method(cw, 0, "<init>", "(" + MODEL_TYPE + ")V").begin();
        init.load(0)
                .load(1)
                .callSpecial(SESSION, "<init>", "(" + MODEL_TYPE + ")V")
                .end(Opcodes.RETURN);
        Set<String> taken = new HashSet<>();
        for (int i = 0; i < ins.size(); i++) {
            bind(cw, ins.get(i), i, "set", "bindInput", taken);
        }
        for (int i = 0; i < outs.size(); i++) {
            bind(cw, outs.get(i), i, "into", "bindOutput", taken);
        }
        cw.visitEnd();
        return cw.toByteArray();
    }

    private void bind(ClassWriter cw, TensorInfo t, int index, String prefix, String target, Set<String> taken) {
        String method = prefix + Names.suffix(t.name());
        if (t.accepts(ElementType.F32)) {
            bind(cw, Names.unique(method, taken), "values", float[].class, index, target);
        }
        if (t.type() != ElementType.F32) {
            boolean codes = t.quantization() != null;
            String name = Names.unique(codes ? method + "Codes" : method, taken);
            bind(cw, name, codes ? "codes" : "values", array(t.type()), index, target);
        }
    }

    private void bind(ClassWriter cw, String method, String parameter, Class<?> array, int index, String target) {
        Code c = Code.method(cw, Opcodes.ACC_PUBLIC, method, "(" + Type.getDescriptor(array) + ")L" + request + ";");
        c.parameter(parameter).begin().load(0).push(index).load(1);
        c.call(request, target, Code.descriptor(void.class, int.class, array))
                .load(0)
                .end(Opcodes.ARETURN);
    }

    private byte[] outputs() {
        ClassWriter cw = begin(outputs, "java/lang/Object");
        cw.visitField(Opcodes.ACC_PRIVATE | Opcodes.ACC_FINAL, "values", "[[F", null, null)
                .visitEnd();
        Code init = Code.method(cw, 0, "<init>", "([[F)V").begin();
        init.load(0).callSpecial("java/lang/Object", "<init>", "()V");
        init.load(0).load(1).field(Opcodes.PUTFIELD, outputs, "values", "[[F").end(Opcodes.RETURN);
        Set<String> taken = new HashSet<>(
                List.of("clone", "finalize", "getClass", "hashCode", "notify", "notifyAll", "toString", "wait"));
        for (int i = 0; i < outs.size(); i++) {
            String method = Names.unique(Names.parameter(outs.get(i).name()), taken);
            Code c = Code.method(cw, Opcodes.ACC_PUBLIC, method, "()[F").begin();
            c.load(0)
                    .field(Opcodes.GETFIELD, outputs, "values", "[[F")
                    .push(i)
                    .op(Opcodes.AALOAD)
                    .end(Opcodes.ARETURN);
        }
        cw.visitEnd();
        return cw.toByteArray();
    }

    private ClassWriter begin(String className, String parent, String... interfaces) {
        ClassWriter cw = new ClassWriter(ClassWriter.COMPUTE_MAXS);
        cw.visit(Opcodes.V25, PUBLIC_FINAL | Opcodes.ACC_SUPER, className, null, parent, interfaces);
        nested(cw, request, "Request");
        if (runs && outs.size() > 1) {
            nested(cw, outputs, "Outputs");
        }
        return cw;
    }

    private void nested(ClassWriter cw, String className, String simpleName) {
        cw.visitInnerClass(className, name, simpleName, PUBLIC_FINAL | Opcodes.ACC_STATIC);
    }

    private static Class<?> array(ElementType type) {
        return switch (type) {
            case F32 -> float[].class;
            case BOOL, I8, U8 -> byte[].class;
            case I16, U16 -> short[].class;
            case I32 -> int[].class;
            case I64 -> long[].class;
        };
    }
}
