//! Nothing is broken here, and nothing is undone.

pub(crate) fn and_undo<T>(call: impl FnOnce() -> T) -> (T, bool) {
    (call(), false)
}
