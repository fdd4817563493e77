//! A call is stopped for good at each of its atomic operations. What are the other threads answered from then on?

use crate::algorithm::Algorithm;
use crate::hook::stopped_after;
use crate::spec::{Call, Reply, Spec};
use crate::subject::{Subject, perform};

/// The most atomic operations of one call when nobody else runs.
const BOUND: u64 = 64;

type Heard = Vec<(Call, Reply)>;

pub(crate) struct Case {
    pub(crate) subject: Subject,
    pub(crate) before: &'static [Call],
    /// Granted after `before`, and stopped.
    pub(crate) stopped: Call,
    /// Stopped as well, where two are.
    pub(crate) second: Call,
    pub(crate) after: &'static [Call],
}

/// How many stops there were, and how many of these calls took effect nevertheless.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Stops {
    pub(crate) tried: u64,
    pub(crate) effective: u64,
}

impl Case {
    fn begin(&self) -> (Box<dyn Algorithm>, Spec) {
        let (limiter, mut spec) = (self.subject.build(), self.subject.spec());
        for &call in self.before {
            assert_eq!(perform(&*limiter, call), spec.answer(call), "{call:?} before the stop");
        }
        (limiter, spec)
    }

    /// The later calls, each in a bounded number of operations.
    fn go_on(&self, limiter: &dyn Algorithm) -> Heard {
        let ask = |&call: &Call| {
            let reply = stopped_after(BOUND, || perform(limiter, call));
            (call, reply.unwrap_or_else(|| panic!("{call:?} takes more than {BOUND} operations")))
        };
        self.after.iter().map(ask).collect()
    }

    /// One stopped thread: all later replies say that its grant happened, or all that it did not.
    pub(crate) fn one(&self) -> Stops {
        let mut stops = Stops::default();
        loop {
            let (limiter, without) = self.begin();
            let mut with = without.clone();
            assert_eq!(with.answer(self.stopped), Reply::Granted, "the stopped call is a grant");
            let reply = stopped_after(stops.tried, || perform(&*limiter, self.stopped));
            let heard = self.go_on(&*limiter);
            let [happened, did_not] = [&with, &without].map(|spec| explains(spec, &[], &heard));
            assert!(happened != did_not, "stopped after {}: {reply:?}, {heard:?}", stops.tried);
            if let Some(reply) = reply {
                assert_eq!((reply, happened), (Reply::Granted, true));
                return stops;
            }
            stops.tried += 1;
            assert!(stops.tried <= BOUND, "the call alone goes on and on");
            stops.effective += u64::from(happened);
        }
    }

    /// Two stopped threads, the second when the first is gone already. A stopped call may take effect at any
    /// later time, or never.
    pub(crate) fn two(&self) -> u64 {
        let mut tried = 0;
        for first in 0.. {
            for second in 0.. {
                let (limiter, spec) = self.begin();
                if stopped_after(first, || perform(&*limiter, self.stopped)).is_some() {
                    return tried;
                }
                let reply = stopped_after(second, || perform(&*limiter, self.second));
                let mut heard = self.go_on(&*limiter);
                let mut pending = vec![self.stopped, self.second];
                let returned = reply.is_some();
                if let Some(reply) = reply {
                    pending.pop();
                    heard.insert(0, (self.second, reply));
                }
                assert!(explains(&spec, &pending, &heard), "stopped after {first}, {second}: {heard:?}");
                if returned {
                    break;
                }
                tried += 1;
                assert!(second < BOUND, "the second call goes on and on");
            }
        }
        tried
    }
}

/// Whether `heard` is what a machine at `spec` says in this order, if calls of `pending` may be granted in between.
fn explains(spec: &Spec, pending: &[Call], heard: &[(Call, Reply)]) -> bool {
    let Some(((call, reply), rest)) = heard.split_first() else { return true };
    let mut next = spec.clone();
    if next.answer(*call) == *reply && explains(&next, pending, rest) {
        return true;
    }
    (0..pending.len()).any(|i| {
        let (mut next, mut pending) = (spec.clone(), pending.to_vec());
        next.answer(pending.remove(i)) == Reply::Granted && explains(&next, &pending, heard)
    })
}
