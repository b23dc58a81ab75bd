package dev.qnet.runtime.io;

/**
 * What a tensor file may ask for before it is refused. Limits bound memory before it is allocated; they are not about
 * the format.
 *
 * @param maxElements elements of one array
 * @param maxBytes bytes of one array in memory
 * @param maxHeaderBytes bytes of one npy header
 * @param maxEntries entries of one npz archive
 */
public record ReadLimits(long maxElements, long maxBytes, int maxHeaderBytes, int maxEntries) {
    /** 2^28 elements and 1 GiB an array, 64 KiB a header, 65,536 entries an archive. */
    public static final ReadLimits DEFAULT = new ReadLimits(1L << 28, 1L << 30, 1 << 16, 1 << 16);

    public ReadLimits {
        if (maxElements < 0 || maxBytes < 0 || maxHeaderBytes < 0 || maxEntries < 0) {
            throw new IllegalArgumentException("limits are not negative");
        }
    }

    /**
     * Refuses an array that these limits, a Java array, or this JVM's heap cannot hold.
     *
     * @throws TensorFormatException naming the limit
     */
    public void check(String source, long elements, int bytesPerElement) {
        long most = Math.min(maxElements, Integer.MAX_VALUE - 8);
        if (elements > most) {
            throw TensorFormatException.expected(source, "at most " + most + " elements", elements + " elements");
        }
        long bytes = elements * bytesPerElement;
        if (bytes > maxBytes) {
            throw TensorFormatException.expected(source, "at most " + maxBytes + " bytes of data", bytes + " bytes");
        }
        long heap = Runtime.getRuntime().maxMemory();
        if (bytes > heap / 2) {
            throw new TensorFormatException(
                    source, "an array of " + bytes + " bytes needs a larger heap than " + heap + " bytes (raise -Xmx)");
        }
    }
}
