// Empty: this file only carries the precompiled headers that other targets reuse.
