//! The adapter for the crate `redis`.

use std::fmt;
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{ErrorKind, RedisError, cmd};

use crate::error::StoreError;
use crate::store::{Call, Store};

/// A connection of the crate [`redis`].
///
/// It can be anything that is [`ConnectionLike`] and `Clone`: a `ConnectionManager`, which connects again by itself and is
/// the one to choose, a `MultiplexedConnection`, or a `ClusterConnection`. Every call uses a clone.
///
/// Each command is given up after a time-out, [50 ms](RedisStore::TIMEOUT) unless told otherwise. A connection to a cluster
/// may send a command again if the cluster changes; then the permits may be charged twice, which is only stricter.
#[derive(Clone)]
pub struct RedisStore<C> {
    connection: C,
    timeout: Duration,
}

impl<C> RedisStore<C> {
    /// How long a command may take.
    pub const TIMEOUT: Duration = Duration::from_millis(50);

    /// A store behind `connection`.
    pub fn new(connection: C) -> RedisStore<C> {
        RedisStore { connection, timeout: RedisStore::<C>::TIMEOUT }
    }

    /// With another time-out. The connection has one of its own, which ends longer waits: 500 ms for a reply, unless
    /// its configuration tells otherwise.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> RedisStore<C> {
        RedisStore { timeout, ..self }
    }
}

/// Without the connection, which may tell an address.
impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl<C: ConnectionLike + Clone + Send + Sync> RedisStore<C> {
    async fn send(&self, command: &str, script: &str, call: &Call) -> Result<Vec<i64>, StoreError> {
        let mut command = cmd(command);
        command.arg(script).arg(1).arg(call.key()).arg(call.args());
        let mut connection = self.connection.clone();
        match tokio::time::timeout(self.timeout, command.query_async(&mut connection)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => Err(StoreError::from(&error)),
            Err(_) => Err(StoreError::timed_out()),
        }
    }
}

impl<C: ConnectionLike + Clone + Send + Sync> Store for RedisStore<C> {
    async fn eval_sha(&self, call: &Call) -> Result<Vec<i64>, StoreError> {
        self.send("EVALSHA", call.sha1(), call).await
    }

    async fn eval(&self, call: &Call) -> Result<Vec<i64>, StoreError> {
        self.send("EVAL", call.script(), call).await
    }
}

impl From<&RedisError> for StoreError {
    fn from(error: &RedisError) -> StoreError {
        if error.is_timeout() {
            return StoreError::timed_out();
        }
        match error.kind() {
            ErrorKind::Server(_) | ErrorKind::Extension => {
                let (code, detail) = (error.code().unwrap_or("ERR"), error.detail().unwrap_or_default());
                StoreError::from_server(&format!("{code} {detail}"))
            }
            ErrorKind::AuthenticationFailed => StoreError::from_server("WRONGPASS"),
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => StoreError::unexpected_reply(),
            ErrorKind::InvalidClientConfig | ErrorKind::RESP3NotSupported => StoreError::from_server("ERR"),
            // No node was found, or the connection broke.
            _ => StoreError::disconnected(),
        }
    }
}
