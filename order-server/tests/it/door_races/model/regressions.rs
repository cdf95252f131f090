//! Sequences that once failed, as they were found and shortened.
