package dev.qnet.target.jvm;

import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/** Writes the bytecode of one method: what is needed here, under readable names. */
final class Code {
    private final MethodVisitor mv;

    private Code(MethodVisitor mv) {
        this.mv = mv;
    }

    static Code method(ClassWriter cw, int access, String name, String descriptor) {
        MethodVisitor mv = cw.visitMethod(access, name, descriptor, null, null);
        return new Code(mv);
    }

    /** Names a parameter, in order, for those who look at the class; before {@link #begin}. */
    Code parameter(String name) {
        mv.visitParameter(name, 0);
        return this;
    }

    Code begin() {
        mv.visitCode();
        return this;
    }

    /** The line of the source that the following instructions come from. */
    Code line(int line) {
        if (line > 0 && line < 65_536) {
            Label here = new Label();
            mv.visitLabel(here);
            mv.visitLineNumber(line, here);
        }
        return this;
    }

    Code load(int local) {
        mv.visitVarInsn(Opcodes.ALOAD, local);
        return this;
    }

    Code push(int value) {
        if (value >= -1 && value <= 5) {
            mv.visitInsn(Opcodes.ICONST_0 + value);
        } else if (value == (byte) value) {
            mv.visitIntInsn(Opcodes.BIPUSH, value);
        } else if (value == (short) value) {
            mv.visitIntInsn(Opcodes.SIPUSH, value);
        } else {
            mv.visitLdcInsn(value);
        }
        return this;
    }

    Code push(boolean value) {
        return push(value ? 1 : 0);
    }

    Code push(float value) {
        mv.visitLdcInsn(value);
        return this;
    }

    Code push(String value) {
        mv.visitLdcInsn(value);
        return this;
    }

    Code push(Type type) {
        mv.visitLdcInsn(type);
        return this;
    }

    Code pushNull() {
        mv.visitInsn(Opcodes.ACONST_NULL);
        return this;
    }

    /** A new int array, element by element: for a handful of numbers, since each takes up to 8 bytes of code. */
    Code push(int... values) {
        push(values.length);
        mv.visitIntInsn(Opcodes.NEWARRAY, Opcodes.T_INT);
        for (int i = 0; i < values.length; i++) {
            dup().push(i).push(values[i]).op(Opcodes.IASTORE);
        }
        return this;
    }

    /** As {@link #push(int...)}. */
    Code push(float... values) {
        push(values.length);
        mv.visitIntInsn(Opcodes.NEWARRAY, Opcodes.T_FLOAT);
        for (int i = 0; i < values.length; i++) {
            dup().push(i).push(values[i]).op(Opcodes.FASTORE);
        }
        return this;
    }

    /** A constant of an enum, whose binary names equal its Java names. */
    Code push(Enum<?> value) {
        String owner = Type.getInternalName(value.getDeclaringClass());
        mv.visitFieldInsn(Opcodes.GETSTATIC, owner, value.name(), "L" + owner + ";");
        return this;
    }

    Code dup() {
        return op(Opcodes.DUP);
    }

    /** An instruction without arguments. */
    Code op(int opcode) {
        mv.visitInsn(opcode);
        return this;
    }

    Code cast(Class<?> to) {
        mv.visitTypeInsn(Opcodes.CHECKCAST, Type.getInternalName(to));
        return this;
    }

    Code create(String type) {
        mv.visitTypeInsn(Opcodes.NEW, type);
        return dup();
    }

    /** A new array of references, of the length on the stack. */
    Code newArray(String elementType) {
        mv.visitTypeInsn(Opcodes.ANEWARRAY, elementType);
        return this;
    }

    Code field(int opcode, String owner, String name, String descriptor) {
        mv.visitFieldInsn(opcode, owner, name, descriptor);
        return this;
    }

    Code callStatic(String owner, String name, String descriptor) {
        mv.visitMethodInsn(Opcodes.INVOKESTATIC, owner, name, descriptor, false);
        return this;
    }

    /** Calls a static method of a class; its parameter types and result as in its declaration. */
    Code callStatic(Class<?> owner, String name, Class<?> result, Class<?>... parameters) {
        return callStatic(Type.getInternalName(owner), name, descriptor(result, parameters));
    }

    Code call(Class<?> owner, String name, Class<?> result, Class<?>... parameters) {
        boolean isInterface = owner.isInterface();
        mv.visitMethodInsn(
                isInterface ? Opcodes.INVOKEINTERFACE : Opcodes.INVOKEVIRTUAL,
                Type.getInternalName(owner),
                name,
                descriptor(result, parameters),
                isInterface);
        return this;
    }

    Code call(String owner, String name, String descriptor) {
        mv.visitMethodInsn(Opcodes.INVOKEVIRTUAL, owner, name, descriptor, false);
        return this;
    }

    Code callSpecial(String owner, String name, String descriptor) {
        mv.visitMethodInsn(Opcodes.INVOKESPECIAL, owner, name, descriptor, false);
        return this;
    }

    /** Ends the method with a return instruction. */
    void end(int returnOpcode) {
        mv.visitInsn(returnOpcode);
        mv.visitMaxs(0, 0);
        mv.visitEnd();
    }

    static String descriptor(Class<?> result, Class<?>... parameters) {
        Type[] types = new Type[parameters.length];
        for (int i = 0; i < types.length; i++) {
            types[i] = Type.getType(parameters[i]);
        }
        return Type.getMethodDescriptor(Type.getType(result), types);
    }
}
