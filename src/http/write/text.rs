//! Values of fields as bytes, each written into memory of the exact size.

use alloc::vec::Vec;

use ::http::HeaderValue;

/// Where text goes: to be counted, or into memory.
pub(super) trait Sink {
    fn bytes(&mut self, bytes: &[u8]);

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        let (mut digits, mut start, mut rest) = ([b'0'; 20], 20, number);
        loop {
            start -= 1;
            digits[start] += (rest % 10).to_le_bytes()[0];
            rest /= 10;
            if rest == 0 {
                return self.bytes(&digits[start..]);
            }
        }
    }

    /// A Byte Sequence of RFC 9651: base64 with padding, between colons.
    fn byte_sequence(&mut self, bytes: &[u8]) {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        self.text(":");
        for group in bytes.chunks(3) {
            let mut three = [0; 3];
            three[..group.len()].copy_from_slice(group);
            let [a, b, c] = three;
            let sixes = [a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63];
            let mut four = sixes.map(|six| ALPHABET[usize::from(six)]);
            four[group.len() + 1..].fill(b'=');
            self.bytes(&four);
        }
        self.text(":");
    }
}

struct Length(usize);

impl Sink for Length {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

impl Sink for Vec<u8> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// The value that `write` writes. It is measured first, because a value whose memory is larger than its text needs a second
/// allocation.
pub(super) fn value(write: impl Fn(&mut dyn Sink)) -> HeaderValue {
    let mut length = Length(0);
    write(&mut length);
    let mut bytes = Vec::with_capacity(length.0);
    write(&mut bytes);
    // Only visible ASCII and spaces are ever written, so this cannot fail; an empty value is harmless in any field.
    HeaderValue::try_from(bytes).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn written(write: impl Fn(&mut dyn Sink)) -> String {
        String::from(value(write).to_str().unwrap())
    }

    #[test]
    fn numbers() {
        for number in [0, 1, 9, 10, 99, 100, 4_294_967_295, u64::MAX] {
            assert_eq!(written(|sink| sink.number(number)), alloc::format!("{number}"));
        }
    }

    /// RFC 4648, section 10.
    #[test]
    fn byte_sequences() {
        let table = [
            ("", "::"),
            ("f", ":Zg==:"),
            ("fo", ":Zm8=:"),
            ("foo", ":Zm9v:"),
            ("foob", ":Zm9vYg==:"),
            ("fooba", ":Zm9vYmE=:"),
            ("foobar", ":Zm9vYmFy:"),
        ];
        for (bytes, text) in table {
            assert_eq!(written(|sink| sink.byte_sequence(bytes.as_bytes())), text);
        }
        assert_eq!(written(|sink| sink.byte_sequence(&[0xfb, 0xff, 0xbf])), ":+/+/:");
    }
}
