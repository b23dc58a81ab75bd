/** How fast models run: measured, and predicted. */
@NullMarked
package dev.qnet.cli.speed;

import org.jspecify.annotations.NullMarked;
