//! Events out.
