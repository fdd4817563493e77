//! Policies and quotas as text, in the formats of serde.

use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use serde_core::de::{Deserialize, Deserializer, Error, Visitor};
use serde_core::ser::{Serialize, Serializer};

use super::{ParsePolicyError, Policy, Quota};

/// Reads a `T` from the text that [`FromStr`] reads.
struct Text<T>(PhantomData<T>);

impl<T: FromStr<Err = ParsePolicyError>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text such as \"50/1m\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

macro_rules! as_text {
    ($($type:ty, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        /// From the text that `from_str` reads.
        #[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                deserializer.deserialize_str(Text(PhantomData))
            }
        }
    )*};
}

as_text! {
    Policy, "As text: `\"50/1m, 1500/1h\"`.";
    Quota, "As text: `\"50/1m\"`. A quota that no policy may have is written too, but cannot be read back, and a name that no policy may have is left out.";
}
