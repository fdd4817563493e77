//! Where the state is kept: a [`Store`] runs a script on one key.

use std::fmt;
use std::sync::Arc;

use crate::error::{StoreError, StoreErrorKind};

/// Anything that runs a Lua script on a Redis or Valkey server.
///
/// Two methods are to be implemented. Each sends one command and gives back the integers of the reply. An implementation
/// decides how long it waits; tens of milliseconds are enough. It does not send a command twice if no reply came: the
/// permits may have been charged.
///
/// ```
/// use tollgate_redis::{Call, Store, StoreError};
/// # struct Client;
/// # enum Trouble { Reply(String), Timeout, Connection }
/// # impl Client {
/// #     async fn command(&self, _: &[&[u8]]) -> Result<Vec<i64>, Trouble> {
/// #         Err(Trouble::Reply("NOSCRIPT No matching script.".into()))
/// #     }
/// # }
///
/// /// A client of yours.
/// struct Mine(Client);
///
/// impl Mine {
///     async fn send(&self, command: &str, script: &str, call: &Call) -> Result<Vec<i64>, StoreError> {
///         let mut words = vec![command.as_bytes(), script.as_bytes(), b"1", call.key()];
///         words.extend(call.args().iter().map(String::as_bytes));
///         self.0.command(&words).await.map_err(|trouble| match trouble {
///             Trouble::Reply(line) => StoreError::from_server(&line),
///             Trouble::Timeout => StoreError::timed_out(),
///             Trouble::Connection => StoreError::disconnected(),
///         })
///     }
/// }
///
/// impl Store for Mine {
///     async fn eval_sha(&self, call: &Call) -> Result<Vec<i64>, StoreError> {
///         self.send("EVALSHA", call.sha1(), call).await
///     }
///
///     async fn eval(&self, call: &Call) -> Result<Vec<i64>, StoreError> {
///         self.send("EVAL", call.script(), call).await
///     }
/// }
/// ```
pub trait Store: Send + Sync {
    /// Sends `EVALSHA sha1 1 key args...`.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`]. If the server does not know the script, its kind is [`StoreErrorKind::UnknownScript`].
    fn eval_sha(&self, call: &Call) -> impl Future<Output = Result<Vec<i64>, StoreError>> + Send;

    /// Sends `EVAL script 1 key args...`. The server then knows the script.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`].
    fn eval(&self, call: &Call) -> impl Future<Output = Result<Vec<i64>, StoreError>> + Send;

    /// Runs the script in one round trip. A server that does not know the script is sent its text in a second one. This
    /// happens after a restart, a failover or `SCRIPT FLUSH`.
    ///
    /// # Errors
    ///
    /// As [`eval_sha`](Store::eval_sha) and [`eval`](Store::eval).
    fn run(&self, call: &Call) -> impl Future<Output = Result<Vec<i64>, StoreError>> + Send {
        async move {
            match self.eval_sha(call).await {
                Err(error) if error.kind() == StoreErrorKind::UnknownScript => self.eval(call).await,
                reply => reply,
            }
        }
    }
}

macro_rules! through_a_pointer {
    ($($pointer:ty),*) => {$(
        impl<S: Store + ?Sized> Store for $pointer {
            fn eval_sha(&self, call: &Call) -> impl Future<Output = Result<Vec<i64>, StoreError>> + Send {
                (**self).eval_sha(call)
            }

            fn eval(&self, call: &Call) -> impl Future<Output = Result<Vec<i64>, StoreError>> + Send {
                (**self).eval(call)
            }
        }
    )*};
}

through_a_pointer!(&S, Arc<S>);

/// One run of a script on one key: what a [`Store`] sends. A [`Rule`](crate::Rule) makes it.
#[derive(Clone)]
pub struct Call {
    script: Script,
    key: Vec<u8>,
    args: Vec<String>,
}

/// The text of a script, and its digest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    pub(crate) text: &'static str,
    pub(crate) sha1: &'static str,
}

impl Call {
    pub(crate) fn new(script: Script, key: Vec<u8>, args: Vec<String>) -> Call {
        Call { script, key, args }
    }

    /// The digest by which the server knows the script: 40 hexadecimal digits.
    pub fn sha1(&self) -> &'static str {
        self.script.sha1
    }

    /// The text of the script. Neither the key nor an argument is part of it.
    pub fn script(&self) -> &'static str {
        self.script.text
    }

    /// The only key.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The arguments: whole numbers in decimal, or nothing.
    pub fn args(&self) -> &[String] {
        &self.args
    }
}

/// Without the key, which may be a secret.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("sha1", &self.script.sha1)
            .field("args", &self.args)
            .finish_non_exhaustive()
    }
}
