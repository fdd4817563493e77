//! How do the callers fare?

use std::error::Error;
use std::net::SocketAddr;

use hyper::client::conn::http1;
use hyper::header::{HOST, RETRY_AFTER};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fared {
    pub(crate) served: usize,
    pub(crate) refused: usize,
    /// What the last refusal said, in seconds.
    pub(crate) retry_after: Option<u64>,
    /// What the first response said of the limits.
    pub(crate) policy: String,
}

/// Calls so often in a row, on one connection.
pub(crate) async fn call(
    address: SocketAddr,
    key: Option<&str>,
    calls: usize,
) -> Result<Fared, Box<dyn Error>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender; what goes wrong in it, the call tells.
    tokio::spawn(driver);
    let mut fared = Fared::default();
    for _ in 0..calls {
        let request = Request::get("/").header(HOST, address.to_string());
        let request = key.into_iter().fold(request, |request, key| request.header("x-api-key", key));
        sender.ready().await?;
        let response = sender.send_request(request.body(String::new())?).await?;
        let field = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        if fared.policy.is_empty() {
            fared.policy = field("ratelimit-policy").unwrap_or("nothing").into();
        }
        match response.status() {
            StatusCode::OK => fared.served += 1,
            StatusCode::TOO_MANY_REQUESTS => {
                fared.retry_after =
                    Some(field(RETRY_AFTER.as_str()).ok_or("a 429 without a Retry-After")?.parse()?);
                fared.refused += 1;
            }
            status => return Err(format!("the server answered {status}").into()),
        }
    }
    Ok(fared)
}
