//! If std were linked, its panic handler would clash with the one below.
#![no_std]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};

use tollgate::keyed::{KeyedError, KeyedTable};
use tollgate::{Algorithm, Manual, Plan, Policy, RateLimiter, SlidingLog, TokenBucket};

struct Nothing;

// SAFETY: a null pointer is how an allocator says that it has no memory.
unsafe impl GlobalAlloc for Nothing {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Nothing = Nothing;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// 1 if both algorithms grant; without memory the log and the table are refused by an error, not an abort.
#[unsafe(no_mangle)]
pub extern "C" fn grants() -> u32 {
    let policy = Policy::MICROSOFT_365_DEFENDER;
    let log = SlidingLog::new(policy).map(|log| RateLimiter::new(log, Manual::new()).try_acquire().is_ok());
    let bucket =
        TokenBucket::strict(policy).map(|bucket| bucket.try_acquire_at(Default::default(), 1).is_ok());
    let table = Plan::new(policy).map_err(KeyedError::from).and_then(|plan| KeyedTable::new(plan, 1_000));
    let table = table.map(|table| table.try_acquire_at(Default::default(), 1, 1).is_ok());
    u32::from(matches!((log, bucket, table), (Ok(true), Ok(true), Ok(true))))
}
