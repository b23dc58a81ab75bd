package dev.qnet.target.jvm;

import static org.objectweb.asm.Opcodes.ACC_FINAL;
import static org.objectweb.asm.Opcodes.ACC_PUBLIC;
import static org.objectweb.asm.Opcodes.ACC_STATIC;
import static org.objectweb.asm.Opcodes.ACC_SUPER;
import static org.objectweb.asm.Opcodes.ALOAD;
import static org.objectweb.asm.Opcodes.DCMPG;
import static org.objectweb.asm.Opcodes.GETSTATIC;
import static org.objectweb.asm.Opcodes.ICONST_1;
import static org.objectweb.asm.Opcodes.IFLT;
import static org.objectweb.asm.Opcodes.INVOKESTATIC;
import static org.objectweb.asm.Opcodes.INVOKEVIRTUAL;
import static org.objectweb.asm.Opcodes.RETURN;
import static org.objectweb.asm.Opcodes.V1_5;

import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;

/**
 * The main class of a model's jar. Its class file is of Java 5, so that every {@code java} that people still have
 * starts it; it says which one the jar needs where that is older than the runtime's own classes, and goes on to
 * {@code dev.qnet.runtime.Main} otherwise.
 */
final class StartClass {
    static final String NAME = "dev.qnet.runtime.Start";

    static final String MESSAGE = "error: this model needs Java 25 or newer, and this is Java ";

    private static final String ADVICE =
            ". Install a JDK or JRE 25 (https://adoptium.net), or name its java: /path/to/jdk-25/bin/java -jar ...";

    private StartClass() {}

    static String path() {
        return NAME.replace('.', '/') + ".class";
    }

    static byte[] bytes() {
        // No frames: class files of that age are verified without.
        ClassWriter c = new ClassWriter(ClassWriter.COMPUTE_MAXS);
        c.visit(V1_5, ACC_PUBLIC | ACC_FINAL | ACC_SUPER, NAME.replace('.', '/'), null, "java/lang/Object", null);
        MethodVisitor m = c.visitMethod(ACC_PUBLIC | ACC_STATIC, "main", "([Ljava/lang/String;)V", null, null);
        Label old = new Label();
        m.visitCode();
        // 1.8, 11, 17, 25: as numbers they are in order.
        version(m);
        m.visitMethodInsn(INVOKESTATIC, "java/lang/Double", "parseDouble", "(Ljava/lang/String;)D", false);
        m.visitLdcInsn(25.0);
        m.visitInsn(DCMPG);
        m.visitJumpInsn(IFLT, old);
        m.visitVarInsn(ALOAD, 0);
        m.visitMethodInsn(INVOKESTATIC, "dev/qnet/runtime/Main", "main", "([Ljava/lang/String;)V", false);
        m.visitInsn(RETURN);
        m.visitLabel(old);
        m.visitFieldInsn(GETSTATIC, "java/lang/System", "err", "Ljava/io/PrintStream;");
        m.visitLdcInsn(MESSAGE);
        version(m);
        concat(m);
        m.visitLdcInsn(ADVICE);
        concat(m);
        m.visitMethodInsn(INVOKEVIRTUAL, "java/io/PrintStream", "println", "(Ljava/lang/String;)V", false);
        m.visitInsn(ICONST_1);
        m.visitMethodInsn(INVOKESTATIC, "java/lang/System", "exit", "(I)V", false);
        m.visitInsn(RETURN);
        m.visitMaxs(0, 0);
        m.visitEnd();
        c.visitEnd();
        return c.toByteArray();
    }

    private static void version(MethodVisitor m) {
        m.visitLdcInsn("java.specification.version");
        m.visitMethodInsn(
                INVOKESTATIC, "java/lang/System", "getProperty", "(Ljava/lang/String;)Ljava/lang/String;", false);
    }

    private static void concat(MethodVisitor m) {
        m.visitMethodInsn(INVOKEVIRTUAL, "java/lang/String", "concat", "(Ljava/lang/String;)Ljava/lang/String;", false);
    }
}
