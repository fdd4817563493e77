//! A server of axum that limits each API key by its plan, and everybody else by address.
//!
//! ```text
//! cargo run --release --example axum_server                                  # calls itself for a moment, and ends
//! cargo run --release --example axum_server -- 127.0.0.1:3000                # serves
//! cargo run --release --example axum_server -- 127.0.0.1:3000 my-plans.txt   # serves, with plans of your own
//! ```
//!
//! Then `curl -i -H 'x-api-key: demo-free' http://127.0.0.1:3000/` shows what each plan allows and what is left of it.
//!
//! | `plans` | who may call how often |
//! | `server` | how does the server limit its callers |
//! | `load` | how do the callers fare |

mod load;
mod plans;
mod server;

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::TcpListener;

use load::Fared;
use plans::Plans;
use server::Counts;

/// So often each kind of caller calls in a row.
const CALLS: usize = 40;

#[cfg_attr(test, allow(dead_code, reason = "tests call `run`"))]
fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os().skip(1), &mut io::stdout(), &mut io::stderr()))
}

/// The whole program: the arguments without its name, the two outputs, the exit code. 1 is a caller who was not served
/// as its plan says, 2 whatever kept it from finding out.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match answer(args, out) {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(error) => {
            // Without a standard error there is only the exit code.
            let _ = writeln!(err, "axum_server: {error}");
            2
        }
    }
}

fn answer(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write) -> Result<bool, Box<dyn Error>> {
    let mut args = args.into_iter().map(|arg| arg.to_string_lossy().into_owned());
    let (address, file) = (args.next(), args.next());
    if args.next().is_some() {
        return Err("expected an address and a file of plans at the most".into());
    }
    let text = match &file {
        Some(file) => fs::read_to_string(file).map_err(|error| format!("cannot read {file:?}: {error}"))?,
        None => plans::DEMO.into(),
    };
    let plans = Plans::parse(&text)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match address {
        None => runtime.block_on(show(plans, out)),
        Some(address) => {
            let address = address.parse().map_err(|_| {
                format!("expected an address and a port such as 127.0.0.1:3000, not {address:?}")
            })?;
            runtime.block_on(serve(address, plans, out))
        }
    }
}

/// Serves until it is stopped.
async fn serve(address: SocketAddr, plans: Plans, out: &mut dyn Write) -> Result<bool, Box<dyn Error>> {
    let app = server::app(plans, Arc::default())?;
    let listener = TcpListener::bind(address).await?;
    writeln!(out, "http://{}/", listener.local_addr()?)?;
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(true)
}

/// Serves on a free port of this machine, and lets each kind of caller call. Whether each was served as its plan says.
async fn show(plans: Plans, out: &mut dyn Write) -> Result<bool, Box<dyn Error>> {
    let counts = Arc::new(Counts::default());
    let app = server::app(plans, Arc::clone(&counts))?;
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
    });

    writeln!(out, "caller         calls  served    429s  Retry-After")?;
    let mut all = Vec::new();
    for key in [None, Some("demo-free"), Some("demo-pro"), Some("invented")] {
        let fared = load::call(address, key, CALLS).await?;
        let Fared { served, refused, retry_after, .. } = &fared;
        let longest = retry_after.map_or("-".into(), |seconds| format!("{seconds} s"));
        writeln!(out, "{:<12} {CALLS:>7} {served:>7} {refused:>7}  {longest:>11}", key.unwrap_or("no key"))?;
        all.push(fared);
    }
    writeln!(out, "\nThe free plan as its callers are told: {}", all[1].policy)?;
    let [acquired, refused] = [&counts.acquired, &counts.refused].map(|count| count.load(Ordering::Relaxed));
    writeln!(
        out,
        "The hook has counted {acquired} requests that were let through, and {refused} that were refused."
    )?;

    // An invented key is a call from the same address as one without a key: what that has used up stays used up.
    let [nobody, free, pro, invented] = &all[..] else { return Ok(false) };
    let counted = all.iter().map(|fared| fared.served as u64).sum::<u64>() == acquired;
    Ok(counted
        && pro.refused == 0
        && invented.served < nobody.served
        && nobody.served < free.served
        && free.refused > 0)
}
