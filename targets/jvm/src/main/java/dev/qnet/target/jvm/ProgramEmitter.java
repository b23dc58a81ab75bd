package dev.qnet.target.jvm;

import dev.qnet.runtime.Program;
import dev.qnet.runtime.WeightsReader;
import dev.qnet.runtime.kernel.Backend;
import dev.qnet.runtime.kernel.Banks;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * Writes the class of a {@link Program}: for each layer a method that runs it and one that prepares its kernel, and
 * methods that call these in order, in groups small enough for HotSpot (which compiles no method over 8,000 bytes). A
 * network so large that the constant pool, of 65,535 entries, would overflow is spread over further classes.
 */
final class ProgramEmitter {
    /** A call takes at most 5 bytes of code, so a group stays far below 8,000. */
    private static final int GROUP = 500;
    /** Constant pool entries in a class before another is begun; one layer adds a few dozen at most. */
    private static final int POOL = 40_000;

    private static final String RUN = Code.descriptor(void.class, Banks.class, Object[].class);
    private static final String PREPARE =
            Code.descriptor(void.class, WeightsReader.class, Backend.class, Object[].class);

    /** Locals of a prepare method. */
    static final int WEIGHTS = 0;

    static final int BACKEND = 1;
    static final int PLANS = 2;
    /** Locals of a run method. */
    static final int BANKS = 0;

    private static final int RUN_PLANS = 1;

    private final String name;
    private final String sourceFile;
    private final Map<String, byte[]> classes = new LinkedHashMap<>();
    private final List<Ref> runs = new ArrayList<>();
    private final List<Ref> prepares = new ArrayList<>();
    /** The class that implements Program; stays open to the end. */
    private final ClassWriter main;
    /** The class that methods go to now: the main one, or a further part. */
    private ClassWriter writer;

    private String current;
    private int parts = 1;
    private int plans;

    private record Ref(String owner, String method) {}

    /**
     * Begins a program.
     *
     * @param name its internal name
     * @param sourceFile the name of the source, for stack traces
     */
    ProgramEmitter(String name, String sourceFile) {
        this.name = name;
        this.sourceFile = sourceFile;
        current = name;
        main = begin(name, Type.getInternalName(Program.class));
        writer = main;
    }

    /**
     * Adds a layer with a kernel of its own.
     *
     * @param label for the methods' names
     * @param line of the source, or 0
     * @param prepare pushes the kernel; locals are {@link #WEIGHTS}, {@link #BACKEND}, {@link #PLANS}
     * @param kernel the type as which {@code run} receives it
     * @param run calls the kernel, which is on the stack; the local is {@link #BANKS}
     */
    void layer(String label, int line, Consumer<Code> prepare, Class<?> kernel, Consumer<Code> run) {
        int k = plans++;
        String suffix = k + (label.isEmpty() ? "" : "_" + label);
        makeRoom("prepare_" + suffix);
        Code p = method("prepare_" + suffix, PREPARE).line(line).load(PLANS).push(k);
        prepare.accept(p);
        p.op(Opcodes.AASTORE).end(Opcodes.RETURN);
        prepares.add(new Ref(current, "prepare_" + suffix));
        Code r = method("layer_" + suffix, RUN)
                .line(line)
                .load(RUN_PLANS)
                .push(k)
                .op(Opcodes.AALOAD)
                .cast(kernel);
        run.accept(r);
        r.end(Opcodes.RETURN);
        runs.add(new Ref(current, "layer_" + suffix));
    }

    /** Plans added so far. */
    int layers() {
        return plans;
    }

    /** The classes, by internal name; nothing can be added after. */
    Map<String, byte[]> finish() {
        List<Ref> run = grouped(runs, "run", RUN, 2);
        List<Ref> prepare = grouped(prepares, "prepare", PREPARE, 3);
        Code init = Code.method(main, Opcodes.ACC_PRIVATE, "<init>", "()V").begin();
        init.load(0)
                .callSpecial(Type.getInternalName(Program.class), "<init>", "()V")
                .end(Opcodes.RETURN);
        Code r = Code.method(main, Opcodes.ACC_PROTECTED, "run", RUN).begin();
        callAll(r, run, RUN, 1, 2);
        Code p = Code.method(main, Opcodes.ACC_PROTECTED, "prepare", PREPARE).begin();
        callAll(p, prepare, PREPARE, 1, 3);
        finishPart();
        main.visitEnd();
        classes.put(name, main.toByteArray());
        return classes;
    }

    /** Puts calls into methods of at most {@link #GROUP}, these again, until one method can call the rest. */
    private List<Ref> grouped(List<Ref> calls, String what, String descriptor, int arguments) {
        List<Ref> level = calls;
        for (int depth = 0; level.size() > GROUP; depth++) {
            List<Ref> next = new ArrayList<>();
            for (int from = 0; from < level.size(); from += GROUP) {
                String method = what + "_group_" + depth + "_" + from / GROUP;
                makeRoom(method);
                Code c = method(method, descriptor);
                callAll(c, level.subList(from, Math.min(level.size(), from + GROUP)), descriptor, 0, arguments);
                next.add(new Ref(current, method));
            }
            level = next;
        }
        return level;
    }

    private static void callAll(Code c, List<Ref> calls, String descriptor, int firstLocal, int arguments) {
        for (Ref call : calls) {
            for (int i = 0; i < arguments; i++) {
                c.load(firstLocal + i);
            }
            c.callStatic(call.owner(), call.method(), descriptor);
        }
        c.end(Opcodes.RETURN);
    }

    private Code method(String method, String descriptor) {
        return Code.method(writer, Opcodes.ACC_STATIC, method, descriptor).begin();
    }

    /** Begins another class if this one is nearly full. */
    private void makeRoom(String nextMethod) {
        // The index of a name that the next method is about to use tells, without waste, how full the pool is.
        if (writer.newUTF8(nextMethod) > POOL) {
            finishPart();
            parts++;
            current = name + parts;
            writer = begin(current, "java/lang/Object");
        }
    }

    private ClassWriter begin(String className, String parent) {
        ClassWriter cw = new ClassWriter(ClassWriter.COMPUTE_MAXS);
        cw.visit(
                Opcodes.V25,
                Opcodes.ACC_FINAL | Opcodes.ACC_SUPER | Opcodes.ACC_SYNTHETIC,
                className,
                null,
                parent,
                null);
        cw.visitSource(sourceFile, null);
        return cw;
    }

    private void finishPart() {
        if (!current.equals(name)) {
            writer.visitEnd();
            classes.put(current, writer.toByteArray());
        }
    }
}
