package dev.qnet.conformance;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import org.junit.jupiter.api.Test;

/** The walls between rooms: who must not know whom. */
class WallsTest {
    private static final JavaClasses HOUSE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.qnet");

    @Test
    void grammarKnowsNothingOfOurs() {
        holds(noClasses()
                .that()
                .resideInAPackage("dev.qnet.grammar..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "dev.qnet.compiler..", "dev.qnet.runtime..", "dev.qnet.target..", "dev.qnet.cli.."));
    }

    @Test
    void frontKnowsNoPassesAndNoTargets() {
        holds(noClasses()
                .that()
                .resideInAPackage("dev.qnet.compiler.front..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.qnet.compiler.pass..", "dev.qnet.compiler.interp..", "dev.qnet.target.."));
    }

    @Test
    void antlrStaysInTheFrontEnd() {
        holds(noClasses()
                .that()
                .resideOutsideOfPackages("dev.qnet.compiler.front", "dev.qnet.grammar..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.antlr..", "dev.qnet.grammar.."));
    }

    @Test
    void irKnowsNoParserNoBytecodeNoFiles() {
        holds(noClasses()
                .that()
                .resideInAPackage("dev.qnet.compiler.ir..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "org.antlr..",
                        "org.objectweb.asm..",
                        "java.io..",
                        "java.nio.file..",
                        "dev.qnet.compiler.front..",
                        "dev.qnet.compiler.pass..",
                        "dev.qnet.compiler.quant..",
                        "dev.qnet.compiler.interp..",
                        "dev.qnet.compiler.data..",
                        "dev.qnet.runtime.."));
    }

    @Test
    void passesKnowNoTargetsAndNoBytecode() {
        holds(noClasses()
                .that()
                .resideInAnyPackage("dev.qnet.compiler.pass..", "dev.qnet.compiler.quant..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "dev.qnet.target..", "org.objectweb.asm..", "dev.qnet.runtime..", "dev.qnet.compiler.front.."));
    }

    /** The oracle shares no arithmetic with what it judges: neither the kernels nor what chose their constants. */
    @Test
    void oracleSharesNoArithmetic() {
        holds(classes()
                .that()
                .resideInAPackage("dev.qnet.compiler.interp..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "dev.qnet.compiler.interp..",
                        "dev.qnet.compiler.ir..",
                        "dev.qnet.compiler.source..",
                        "java..",
                        "org.jspecify.."));
    }

    /** Of the runtime, the compiler reads tensor files with its readers, and nothing else. */
    @Test
    void compilerKnowsOnlyTheRuntimesFiles() {
        holds(noClasses()
                .that()
                .resideInAPackage("dev.qnet.compiler..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.qnet.runtime", "dev.qnet.runtime.kernel.."));
    }

    @Test
    void runtimeDependsOnTheJdkAlone() {
        holds(classes()
                .that()
                .resideInAPackage("dev.qnet.runtime..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage("dev.qnet.runtime..", "java..", "jdk.incubator.vector..", "org.jspecify.."));
    }

    /** One family of classes touches the Vector API, so that a JVM without the module never links it. */
    @Test
    void onlySimdKernelsTouchTheVectorApi() {
        holds(noClasses()
                .that()
                .haveSimpleNameNotStartingWith("Simd")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("jdk.incubator.vector.."));
    }

    @Test
    void onlyTheJvmTargetKnowsBytecode() {
        holds(noClasses()
                .that()
                .resideOutsideOfPackage("dev.qnet.target.jvm..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.objectweb.asm.."));
    }

    @Test
    void targetsDoNotKnowEachOther() {
        holds(noClasses()
                .that()
                .resideInAPackage("dev.qnet.target.tvm..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.qnet.target.jvm.."));
        // What is written for others describes tensors as the runtime does (docs/adr/0015); how they are computed does
        // not.
        holds(noClasses()
                .that()
                .resideInAnyPackage(
                        "dev.qnet.target.tvm.lower..",
                        "dev.qnet.target.tvm.tir..",
                        "dev.qnet.target.tvm.ffi..",
                        "dev.qnet.target.tvm.natives..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.qnet.runtime.."));
        // A library's descriptor names the contract of its border.
        holds(noClasses()
                .that()
                .resideInAPackage("dev.qnet.target.tvm..")
                .and()
                .doNotHaveFullyQualifiedName("dev.qnet.target.tvm.Interface")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.qnet.runtime.kernel.."));
        holds(noClasses()
                .that()
                .resideInAPackage("dev.qnet.target.jvm..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.qnet.target.tvm.."));
    }

    /** And the runtime, of models that are C libraries. */
    @Test
    void fewCallNativeCode() {
        // TVM; GPUs and their compiler; what is compiled for this machine; compiled libraries, and the system that is
        // asked first.
        holds(noClasses()
                .that()
                .resideOutsideOfPackages("dev.qnet.target.tvm.ffi..", "dev.qnet.target.tvm.cuda..")
                .and()
                .doNotHaveFullyQualifiedName("dev.qnet.target.tvm.HostModel")
                .and()
                .doNotHaveFullyQualifiedName("dev.qnet.runtime.NativeLibrary")
                .and()
                .doNotHaveFullyQualifiedName("dev.qnet.runtime.CpuFlags")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.lang.foreign.Linker"));
    }

    /** Tensor programs are made and printed where TVM is not. */
    @Test
    void loweringNeedsNoNativeCode() {
        holds(noClasses()
                .that()
                .resideInAnyPackage("dev.qnet.target.tvm.lower..", "dev.qnet.target.tvm.tir..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "dev.qnet.target.tvm.ffi..", "dev.qnet.target.tvm.natives..", "java.lang.foreign.."));
    }

    /** Functions of real numbers are programs, whatever layer uses them. */
    @Test
    void functionsKnowNothingOfLayers() {
        holds(noClasses()
                .that()
                .resideInAPackage("dev.qnet.target.tvm.lower.math..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.qnet.target.tvm.lower"));
    }

    @Test
    void targetsDoNotKnowTheLanguage() {
        holds(noClasses()
                .that()
                .resideInAPackage("dev.qnet.target..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.qnet.compiler.front..", "dev.qnet.grammar..", "dev.qnet.cli.."));
    }

    @Test
    void packagesHaveNoCycles() {
        holds(SlicesRuleDefinition.slices()
                .matching("dev.qnet.compiler.(*)..")
                .should()
                .beFreeOfCycles());
        holds(SlicesRuleDefinition.slices()
                .matching("dev.qnet.runtime.(*)..")
                .should()
                .beFreeOfCycles());
    }

    private static void holds(ArchRule rule) {
        rule.check(HOUSE);
    }
}
