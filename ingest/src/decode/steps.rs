//! Counts the bytes that are looked at, in tests alone: growth is bounded by steps, not by seconds.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Adds to the steps of this thread; nothing outside of tests.
#[inline(always)]
pub(crate) fn add(_steps: usize) {
    #[cfg(test)]
    STEPS.with(|steps| steps.set(steps.get() + _steps));
}

/// Returns the steps since the last call.
#[cfg(test)]
pub(crate) fn take() -> usize {
    STEPS.with(|steps| steps.replace(0))
}
