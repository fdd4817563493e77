//! How do the callers fare?

use std::error::Error;
use std::net::SocketAddr;
use std::ops::Range;

use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, RETRY_AFTER};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// As many connections as carry all calls; who calls is told by the header alone.
const CONNECTIONS: usize = 8;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fared {
    pub(crate) served: usize,
    pub(crate) refused: usize,
    /// The longest that anybody was told, in seconds.
    pub(crate) retry_after: u64,
}

/// Each of these callers calls so often in a row.
pub(crate) async fn call(
    address: SocketAddr,
    callers: Range<usize>,
    calls: usize,
) -> Result<Fared, Box<dyn Error>> {
    let tasks = (0..CONNECTIONS).map(|first| {
        let mine = callers.clone().skip(first).step_by(CONNECTIONS);
        tokio::spawn(
            async move { one_connection(address, mine, calls).await.map_err(|error| error.to_string()) },
        )
    });
    let mut all = Fared::default();
    for task in tasks.collect::<Vec<_>>() {
        let fared = task.await??;
        all.served += fared.served;
        all.refused += fared.refused;
        all.retry_after = all.retry_after.max(fared.retry_after);
    }
    Ok(all)
}

async fn one_connection(
    address: SocketAddr,
    callers: impl Iterator<Item = usize>,
    calls: usize,
) -> Result<Fared, Box<dyn Error>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender; what goes wrong in it, the call tells.
    tokio::spawn(driver);
    let mut fared = Fared::default();
    for caller in callers {
        for _ in 0..calls {
            one_call(&mut sender, address, caller, &mut fared).await?;
        }
    }
    Ok(fared)
}

async fn one_call(
    sender: &mut SendRequest<String>,
    address: SocketAddr,
    caller: usize,
    fared: &mut Fared,
) -> Result<(), Box<dyn Error>> {
    let request = Request::get("/").header(HOST, address.to_string());
    let request = request.header("x-api-key", format!("caller-{caller}")).body(String::new())?;
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    match response.status() {
        StatusCode::OK => fared.served += 1,
        StatusCode::TOO_MANY_REQUESTS => {
            let seconds = response.headers().get(RETRY_AFTER).ok_or("a 429 without a Retry-After")?;
            fared.retry_after = fared.retry_after.max(seconds.to_str()?.parse()?);
            fared.refused += 1;
        }
        status => return Err(format!("the server answered {status}").into()),
    }
    Ok(())
}
