//! What one decision costs, one module per question: `cargo bench`, or `cargo bench -- grant` for one of them.
//!
//! All times except those of `clocks` and `wait` are without a clock: `now` is a number that grows by the same step
//! before each call. Every sample has a limiter of its own that is warm: each log was filled once. It gives every answer to
//! `black_box`, so that the compiler removes nothing, and checks that every decision was the expected one. There is one
//! thread. For many threads, and for other crates, see `benches/peers`.

mod clocks;
mod grant;
mod keyed;
mod limit;
mod permits;
mod refusal;
mod status;
mod subject;
mod timing;
mod wait;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};

fn configured() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
}

criterion_group! {
    name = suite;
    config = configured();
    targets = grant::bench, refusal::bench, permits::bench, status::bench, limit::bench, clocks::bench, keyed::bench,
        wait::bench
}
criterion_main!(suite);
