//! A server that keeps a limit for each caller, and a load of very many callers.
//!
//! ```text
//! cargo run --release --example server_per_caller          # 100,000 callers
//! cargo run --release --example server_per_caller -- 20000
//! ```
//!
//! Each caller has a key of its own, which it sends in the header `x-api-key`. All of them call once; then ten of them
//! call 40 times in a row, and are told to wait. The memory for all limits is fixed before the first call.
//!
//! | `server` | how does a server refuse a caller |
//! | `load` | how do the callers fare |

mod load;
mod server;

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

use tollgate::Policy;
use tollgate::keyed::KeyedLimiter;

use load::Fared;

const POLICY: Policy = Policy::MICROSOFT_365_DEFENDER;
const GREEDY: usize = 10;
const CALLS_OF_THE_GREEDY: usize = 40;

#[cfg_attr(test, allow(dead_code, reason = "tests call `run`"))]
fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os().skip(1), &mut io::stdout(), &mut io::stderr()))
}

/// The whole program: the arguments without its name, the two outputs, the exit code. 1 is a caller who was not served
/// as the policy says, 2 whatever kept it from finding out.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match answer(args, out) {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(error) => {
            // Without a standard error there is only the exit code.
            let _ = writeln!(err, "server_per_caller: {error}");
            2
        }
    }
}

fn callers(args: impl IntoIterator<Item = OsString>) -> Result<usize, String> {
    let mut args = args.into_iter();
    let text = match (args.next(), args.next()) {
        (None, _) => return Ok(100_000),
        (Some(text), None) => text.to_string_lossy().into_owned(),
        (Some(_), Some(_)) => return Err("expected one number of callers at the most".into()),
    };
    match text.parse() {
        Ok(callers) if (GREEDY..=1_000_000).contains(&callers) => Ok(callers),
        _ => Err(format!("expected a number of callers from {GREEDY} to 1000000, not {text:?}")),
    }
}

/// Whether everybody was served as the policy says.
fn answer(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write) -> Result<bool, Box<dyn Error>> {
    let callers = callers(args)?;
    // Two slots of 8 bytes for each caller that is active at one time.
    let limiter = KeyedLimiter::strict(POLICY, 2 * callers)?;
    writeln!(out, "{callers} callers, each: {POLICY}")?;
    writeln!(out, "memory for all limits: {} bytes", limiter.table().memory())?;
    let before = resident();

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (once, greedy) = runtime.block_on(async {
        let address = server::start(limiter.clone()).await?;
        let once = load::call(address, 0..callers, 1).await?;
        let greedy = load::call(address, 0..GREEDY, CALLS_OF_THE_GREEDY).await?;
        Ok::<_, Box<dyn Error>>((once, greedy))
    })?;

    writeln!(out, "\n                  calls  served    429s  Retry-After")?;
    for (name, fared) in [("everybody once", &once), ("ten, 40 times", &greedy)] {
        let Fared { served, refused, retry_after } = fared;
        let longest = if *refused == 0 { String::from("-") } else { format!("{retry_after} s") };
        writeln!(out, "{name:<14}  {:>7} {served:>7} {refused:>7}  {longest:>11}", served + refused)?;
    }
    let usage = limiter.usage();
    writeln!(
        out,
        "\nslots in debt: {} of {}; newcomers that inherit a debt: {:.2} %, that are refused: {:.2} %",
        usage.in_debt,
        usage.slots,
        usage.newcomers_in_debt() * 100.0,
        usage.newcomers_refused() * 100.0
    )?;
    if let (Some(before), Some(after)) = (before, resident()) {
        writeln!(out, "the process grew by {} KiB, connections and all", after.saturating_sub(before))?;
    }
    let curbed = greedy.served > 0 && greedy.refused > 0;
    Ok(once == Fared { served: callers, ..Fared::default() } && curbed)
}

/// The memory of this process in KiB, where Linux tells it.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().split(' ').next()?.parse().ok()
}
