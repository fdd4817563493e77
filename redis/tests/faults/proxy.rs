//! A wire between a caller and its server that loses or delays answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Passes everything on, until it is told otherwise.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    /// How long each answer is kept, in milliseconds; [`CUT`] for ever.
    delay: Arc<AtomicU64>,
}

/// The connection ends when the answer comes.
const CUT: u64 = u64::MAX;

impl Proxy {
    pub(crate) async fn to(port: u16) -> Proxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let delay = Arc::new(AtomicU64::new(0));
        let shared = Arc::clone(&delay);
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                tokio::spawn(carry(caller, port, Arc::clone(&shared)));
            }
        });
        Proxy { address, delay }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers come after this time.
    pub(crate) fn delay(&self, by: Duration) {
        self.delay.store(u64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// The server gets the request and decides, and its answer is lost with the connection.
    pub(crate) fn cut(&self) {
        self.delay.store(CUT, Ordering::Relaxed);
    }

    /// Passes everything on again.
    pub(crate) fn mend(&self) {
        self.delay(Duration::ZERO);
    }
}

async fn carry(caller: TcpStream, port: u16, delay: Arc<AtomicU64>) -> Option<()> {
    caller.set_nodelay(true).ok()?;
    let server = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let (mut from_caller, mut to_caller) = caller.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async {
        tokio::io::copy(&mut from_caller, &mut to_server).await.ok()?;
        to_server.shutdown().await.ok()
    };
    let answers = async {
        let mut some = vec![0; 1 << 16];
        loop {
            let length = from_server.read(&mut some).await.ok().filter(|&length| length > 0)?;
            match delay.load(Ordering::Relaxed) {
                CUT => return None,
                0 => {}
                wait => tokio::time::sleep(Duration::from_millis(wait)).await,
            }
            to_caller.write_all(&some[..length]).await.ok()?;
        }
    };
    // Either end that is gone ends the other.
    tokio::select! { end = requests => end, end = answers => end }
}
