//! How is a server called?

use std::net::SocketAddr;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::error::Error;

/// A connection that is kept open for many calls, one at a time.
pub(crate) struct Connection {
    address: SocketAddr,
    sender: SendRequest<String>,
}

/// What a server answers to a call.
pub(crate) enum Answer {
    Served,
    /// 429, and how long to stay away.
    TooMany(Duration),
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Connection, Error> {
        let stream = TcpStream::connect(address).await.map_err(Error::Connect)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(Error::Http)?;
        // It ends with the sender. If it fails, the call returns the error.
        tokio::spawn(driver);
        Ok(Connection { address, sender })
    }

    pub(crate) async fn call(&mut self) -> Result<Answer, Error> {
        let request = Request::get("/api/incidents").header(HOST, self.address.to_string());
        let request = request.body(String::new()).map_err(Error::Request)?;
        self.sender.ready().await.map_err(Error::Http)?;
        let response = self.sender.send_request(request).await.map_err(Error::Http)?;
        match response.status() {
            StatusCode::OK => Ok(Answer::Served),
            StatusCode::TOO_MANY_REQUESTS => retry_after(&response).map(Answer::TooMany),
            status => Err(Error::Status(status)),
        }
    }
}

/// The header as a number of seconds; it may also be a date, which this server does not send.
fn retry_after(response: &Response<Incoming>) -> Result<Duration, Error> {
    let text = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let seconds = text.and_then(|text| text.parse().ok()).ok_or(Error::NoRetryAfter)?;
    Ok(Duration::from_secs(seconds))
}
