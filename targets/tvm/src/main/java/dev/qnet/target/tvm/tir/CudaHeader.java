package dev.qnet.target.tvm.tir;

/** What kernels use beside what CUDA C has. */
public final class CudaHeader {
    private CudaHeader() {}

    /** In front of kernels. The product of unsigned and signed bytes has no function in CUDA C, but an instruction. */
    public static final String TEXT = """
            template <typename T>
            static __device__ __forceinline__ T qnet_min(T a, T b) { return a < b ? a : b; }
            template <typename T>
            static __device__ __forceinline__ T qnet_max(T a, T b) { return a > b ? a : b; }
            static __device__ __forceinline__ int qnet_dp4a_us(int x, int w, int sum) {
                int r;
                asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(r) : "r"(x), "r"(w), "r"(sum));
                return r;
            }
            """;

    /** For a compiler that comes without CUDA's own headers: what of them kernels use. */
    public static final String WITHOUT_TOOLKIT = """
            #define __global__ __attribute__((global))
            #define __device__ __attribute__((device))
            #define __forceinline__ __inline__ __attribute__((always_inline))
            #define __align__(n) __attribute__((aligned(n)))
            #define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
            struct qnet_thread { __declspec(property(get = get_x)) unsigned x;
                static __device__ __forceinline__ unsigned get_x() { return __nvvm_read_ptx_sreg_tid_x(); } };
            struct qnet_block { __declspec(property(get = get_x)) unsigned x; __declspec(property(get = get_y)) unsigned y;
                static __device__ __forceinline__ unsigned get_x() { return __nvvm_read_ptx_sreg_ctaid_x(); }
                static __device__ __forceinline__ unsigned get_y() { return __nvvm_read_ptx_sreg_ctaid_y(); } };
            extern const __device__ qnet_thread threadIdx;
            extern const __device__ qnet_block blockIdx;
            #define QNET_FN(T) static __device__ __forceinline__ T
            QNET_FN(int) __dp4a(int x, int w, int sum) {
                int r;
                asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(r) : "r"(x), "r"(w), "r"(sum));
                return r;
            }
            QNET_FN(float) __fadd_rn(float a, float b) { return __nvvm_add_rn_f(a, b); }
            QNET_FN(float) __fsub_rn(float a, float b) { return __nvvm_add_rn_f(a, -b); }
            QNET_FN(float) __fmul_rn(float a, float b) { return __nvvm_mul_rn_f(a, b); }
            QNET_FN(float) __fdiv_rn(float a, float b) { return __nvvm_div_rn_f(a, b); }
            QNET_FN(float) __fsqrt_rn(float x) { return __nvvm_sqrt_rn_f(x); }
            QNET_FN(double) __dadd_rn(double a, double b) { return __nvvm_add_rn_d(a, b); }
            QNET_FN(double) __dsub_rn(double a, double b) { return __nvvm_add_rn_d(a, -b); }
            QNET_FN(double) __dmul_rn(double a, double b) { return __nvvm_mul_rn_d(a, b); }
            QNET_FN(double) __ddiv_rn(double a, double b) { return __nvvm_div_rn_d(a, b); }
            QNET_FN(double) __dsqrt_rn(double x) { return __nvvm_sqrt_rn_d(x); }
            QNET_FN(float) rintf(float x) { return __builtin_rintf(x); }
            QNET_FN(double) rint(double x) { return __builtin_rint(x); }
            QNET_FN(double) floor(double x) { return __builtin_floor(x); }
            QNET_FN(double) ceil(double x) { return __builtin_ceil(x); }
            QNET_FN(int) __clz(int x) { return x == 0 ? 32 : __builtin_clz(x); }
            QNET_FN(float) __int_as_float(int x) { return __builtin_bit_cast(float, x); }
            QNET_FN(int) __float_as_int(float x) { return __builtin_bit_cast(int, x); }
            QNET_FN(double) __longlong_as_double(long long x) { return __builtin_bit_cast(double, x); }
            QNET_FN(long long) __double_as_longlong(double x) { return __builtin_bit_cast(long long, x); }
            """;
}
