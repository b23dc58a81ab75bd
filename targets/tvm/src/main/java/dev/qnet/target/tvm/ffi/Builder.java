package dev.qnet.target.tvm.ffi;

import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Expr.Var;
import dev.qnet.target.tvm.tir.PrimFunc;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.TirModule;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Makes TVM's objects of tensor programs. */
final class Builder {
    private static final Object NONE = Scope.NONE;
    private static final Expr ZERO = new Expr.Imm(DataType.INT32, 0);

    private final Scope scope;
    private final Map<String, Ref> functions = new HashMap<>();
    private final Set<String> withStatus = new HashSet<>();
    private final Map<Var, Ref> vars = new HashMap<>();
    /** Where the values of lets are. */
    private final Map<Var, Buffer> slots = new HashMap<>();

    private final Map<Buffer, Ref> buffers = new HashMap<>();
    private final Map<Expr.Imm, Ref> numbers = new HashMap<>();
    private final Map<String, Ref> ops = new HashMap<>();
    private final Map<String, Long> intrinsics = new HashMap<>();

    Builder(Scope scope) {
        this.scope = scope;
    }

    /** A module as TVM's IRModule. */
    Ref module(TirModule module) {
        List<Object> entries = new ArrayList<>();
        for (PrimFunc f : module.functions()) {
            functions.put(f.name(), scope.ref("ir.GlobalVar", f.name(), NONE));
            if (f.status()) {
                withStatus.add(f.name());
            }
        }
        for (PrimFunc f : module.functions()) {
            entries.add(functions.get(f.name()));
            entries.add(function(f));
        }
        return scope.ref("ir.IRModule", map(entries), map(List.of()), NONE, map(List.of()));
    }

    private Ref function(PrimFunc f) {
        List<Object> params = new ArrayList<>();
        List<Object> tensors = new ArrayList<>();
        Ref body = stmt(f.body());
        for (Var p : f.params()) {
            Buffer tensor = f.tensors().get(p);
            if (tensor != null) {
                params.add(var(p));
                tensors.add(var(p));
                tensors.add(buffer(tensor));
            } else if (!p.type().equals(DataType.POINTER)) {
                params.add(var(p));
            } else {
                Var given = Var.pointer(p.name(), p.pointee());
                params.add(var(given));
                body = scope.ref("tir.LetStmt", var(p), expr(new Expr.Address(Buffer.at(given, 1), ZERO)), body, NONE);
            }
        }
        // LLVM inlines functions. TVM gives each pointer that is a parameter an alias class of its own, and so what one
        // function writes to the arena were not what the next one reads there. Pointers that have their value from a
        // let are
        // of one class together, unless the function has the attribute tir.noalias.
        Ref made = scope.ref(
                "tir.PrimFunc",
                array(params),
                body,
                f.status() ? scope.ref("ir.PrimType", "int32") : NONE,
                map(tensors),
                scope.ref("node.MakeNode", "DictAttrs"),
                NONE);
        return f.entry()
                ? scope.ref("ir.BaseFuncWithAttr", made, "global_symbol", scope.ref("runtime.String", f.name()))
                : made;
    }

    private Ref var(Var v) {
        Ref known = vars.get(v);
        if (known == null) {
            Object type = v.type().equals(DataType.POINTER) && !v.pointee().equals(DataType.POINTER)
                    ? scope.ref(
                            "ir.PointerType",
                            scope.ref("ir.PrimType", v.pointee().toString()),
                            "global")
                    : v.type().toString();
            known = scope.ref("tir.Var", v.name(), type, NONE);
            vars.put(v, known);
        }
        return known;
    }

    private Ref buffer(Buffer b) {
        Ref known = buffers.get(b);
        if (known == null) {
            known = scope.ref(
                    "tir.Buffer",
                    var(b.data()),
                    b.type().toString(),
                    exprs(b.shape()),
                    array(List.of()),
                    NONE,
                    b.name(),
                    DlTensor.ALIGNMENT,
                    0,
                    "default",
                    array(List.of()),
                    NONE);
            buffers.put(b, known);
        }
        return known;
    }

    private Ref stmt(Stmt s) {
        return switch (s) {
            case Stmt.Store(Buffer b, Expr value, Expr index) ->
                scope.ref("tir.BufferStore", buffer(b), expr(value), exprs(List.of(index)), NONE, NONE);
            case Stmt.For(Var v, Expr min, Expr extent, Stmt.LoopKind kind, Stmt body) ->
                scope.ref("tir.For", var(v), expr(min), expr(extent), kind.code(), stmt(body), NONE, NONE, NONE);
            case Stmt.If(Expr condition, Stmt then, var otherwise) ->
                scope.ref("tir.IfThenElse", expr(condition), stmt(then), optional(otherwise), NONE);
            case Stmt.Seq(List<Stmt> steps) -> {
                List<Object> refs = new ArrayList<>();
                steps.forEach(x -> refs.add(stmt(x)));
                yield scope.ref("tir.SeqStmt", array(refs), NONE);
            }
            case Stmt.Let(Var v, Expr value, Stmt body) -> {
                if (v.type().equals(DataType.POINTER) || v.type().lanes() > 1) {
                    yield scope.ref("tir.LetStmt", var(v), expr(value), stmt(body), NONE);
                }
                // TVM's analyses put the value of a let in place of its name, again and again where lets follow each
                // other:
                // programs grow without end. They leave memory alone, and LLVM makes registers of it.
                Buffer slot = Buffer.of(v.name(), v.type(), 1);
                slots.put(v, slot);
                yield stmt(new Stmt.Allocate(
                        slot, 1, true, new Stmt.Seq(List.of(new Stmt.Store(slot, value, ZERO), body))));
            }
            case Stmt.Allocate(Buffer b, long elements, boolean stack, Stmt body) ->
                scope.ref(
                        "tir.Allocate",
                        var(b.data()),
                        b.type().toString(),
                        array(List.of(number(new Expr.Imm(DataType.INT32, elements)))),
                        number(new Expr.Imm(DataType.BOOL, 1)),
                        scope.ref("tir.DeclBuffer", buffer(b), stmt(body), NONE),
                        // TVM takes memory of more than a kilobyte from a pool, unless it is told not to.
                        stack
                                ? map(List.of("disable_lower_builtin", number(new Expr.Imm(DataType.BOOL, 1))))
                                : map(List.of()),
                        NONE);
            case Stmt.Workspace(Buffer b, Expr elements, Stmt body) ->
                scope.ref(
                        "tir.Allocate",
                        var(b.data()),
                        b.type().toString(),
                        exprs(List.of(elements)),
                        number(new Expr.Imm(DataType.BOOL, 1)),
                        scope.ref("tir.DeclBuffer", buffer(b), stmt(body), NONE),
                        map(List.of()),
                        NONE);
            case Stmt.Constant(Buffer b, byte[] elements, Stmt body) -> {
                MemorySegment data = scope.bytes(elements);
                long[] shape = {elements.length / b.type().bytes()};
                yield scope.ref(
                        "tir.AllocateConst",
                        var(b.data()),
                        b.type().toString(),
                        array(List.of(number(new Expr.Imm(DataType.INT32, shape[0])))),
                        scope.array(b.type().code(), b.type().bits(), shape, data),
                        scope.ref("tir.DeclBuffer", buffer(b), stmt(body), NONE),
                        map(List.of()),
                        NONE);
            }
            case Stmt.Declare(Buffer b, Stmt body) -> scope.ref("tir.DeclBuffer", buffer(b), stmt(body), NONE);
            case Stmt.Evaluate(Expr value) -> scope.ref("tir.Evaluate", expr(value), NONE);
            case Stmt.Assert(Expr condition, String message, Stmt body) ->
                scope.ref(
                        "tir.AssertStmt", expr(condition), scope.ref("tir.StringImm", message, NONE), stmt(body), NONE);
        };
    }

    private Object optional(@Nullable Stmt s) {
        return s == null ? NONE : stmt(s);
    }

    private Ref expr(Expr e) {
        return switch (e) {
            case Expr.Imm i -> number(i);
            case Expr.FloatImm(DataType type, double value) -> scope.ref("ir.FloatImm", type.toString(), value, NONE);
            case Expr.Text(String value) -> scope.ref("tir.StringImm", value, NONE);
            case Var v -> {
                Buffer slot = slots.get(v);
                yield slot == null ? var(v) : bufferLoad(slot, ZERO);
            }
            case Expr.Binary(Expr.Op op, Expr a, Expr b) -> {
                boolean quotient = op == Expr.Op.FLOOR_DIV && a.type().isFloat();
                yield scope.ref("tir." + (quotient ? "Div" : op.node()), expr(a), expr(b), NONE);
            }
            case Expr.Select(Expr c, Expr a, Expr b) -> scope.ref("tir.Select", expr(c), expr(a), expr(b), NONE);
            case Expr.Cast(DataType type, Expr value) -> scope.ref("tir.Cast", type.toString(), expr(value), NONE);
            case Expr.Ramp(Expr base, int stride, int lanes) ->
                scope.ref(
                        "tir.Ramp",
                        expr(base),
                        number(new Expr.Imm(DataType.INT32, stride)),
                        number(new Expr.Imm(DataType.INT32, lanes)),
                        NONE);
            case Expr.Broadcast(Expr value, int lanes) ->
                scope.ref("tir.Broadcast", expr(value), number(new Expr.Imm(DataType.INT32, lanes)), NONE);
            case Expr.Load l -> bufferLoad(l.buffer(), l.index());
            case Expr.Address(Buffer b, Expr index) ->
                call("handle", op("tir.address_of"), List.of(bufferLoad(b, index)));
            case Expr.Call(DataType type, String op, List<Expr> arguments) ->
                call(type.toString(), op("tir." + op), refs(arguments));
            case Expr.Intrinsic(DataType type, String name, int overloads, boolean pure, List<Expr> arguments) -> {
                List<Object> all = new ArrayList<>();
                all.add(scope.ref("ir.IntImm", "uint32", intrinsic(name), NONE));
                all.add(scope.ref("ir.IntImm", "uint32", overloads, NONE));
                all.addAll(refs(arguments));
                yield call(type.toString(), op(pure ? "tir.call_llvm_pure_intrin" : "tir.call_llvm_intrin"), all);
            }
            case Expr.Invoke(String function, List<Expr> arguments) -> {
                Ref callee = functions.get(function);
                if (callee == null) {
                    throw new IllegalArgumentException("the module has no function " + function);
                }
                yield call(withStatus.contains(function) ? "int32" : "void", callee, refs(arguments));
            }
        };
    }

    private Ref bufferLoad(Buffer b, Expr index) {
        return scope.ref("tir.BufferLoad", buffer(b), exprs(List.of(index)), NONE, NONE);
    }

    private Ref call(String type, Ref callee, List<Object> arguments) {
        return scope.ref("tir.Call", type, callee, array(arguments), NONE);
    }

    private List<Object> refs(List<Expr> arguments) {
        List<Object> refs = new ArrayList<>();
        arguments.forEach(a -> refs.add(expr(a)));
        return refs;
    }

    private Ref op(String name) {
        return ops.computeIfAbsent(name, n -> scope.ref("ir.GetOp", n));
    }

    /** LLVM's number of an intrinsic. LLVM ends the process where it is given 0. */
    private long intrinsic(String name) {
        return intrinsics.computeIfAbsent(name, n -> {
            long id = scope.integer("target.llvm_lookup_intrinsic_id", n);
            if (id == 0) {
                throw new IllegalArgumentException("LLVM has no intrinsic " + n);
            }
            return id;
        });
    }

    private Ref number(Expr.Imm i) {
        return numbers.computeIfAbsent(i, x -> scope.ref("ir.IntImm", x.type().toString(), x.value(), NONE));
    }

    private Ref exprs(List<Expr> values) {
        return array(refs(values));
    }

    private Ref array(List<Object> elements) {
        return scope.ref("runtime.Array", elements.toArray());
    }

    private Ref map(List<Object> keysAndValues) {
        return scope.ref("runtime.Map", keysAndValues.toArray());
    }
}
