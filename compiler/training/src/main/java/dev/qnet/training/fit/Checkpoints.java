package dev.qnet.training.fit;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Whether and where a training is kept, after each epoch, so that it can go on if it is ended.
 *
 * @param file which, or null to keep nothing; written whole or not at all
 * @param resume whether to go on from it, where it exists
 */
public record Checkpoints(@Nullable Path file, boolean resume) {
    /** Keeps nothing. */
    public static final Checkpoints NONE = new Checkpoints(null, false);
}
