# Build fragment of core/arch.
