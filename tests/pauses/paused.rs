//! A call sleeps at any step while other threads make many calls, and then continues. There is still one order of all
//! calls that explains every reply.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc;

use crate::hook;
use crate::spec::{Reply, explained};
use crate::subject::{Subject, perform, status, take};

const SUBJECTS: [(&str, Subject); 8] = [
    ("word", Subject::Strict(2, &[(3, 6), (5, 20)])),
    ("pair", Subject::Nominal(&[(2, 4), (3, 12)])),
    ("window counter", Subject::Counter([2, 0, 1], &[(3, 4), (4, 12)])),
    ("announced", Subject::Nominal(&[(2, 4), (3, 9), (4, 20)])),
    ("log of one slot", Subject::Log(&[(1, 3)])),
    ("log of two slots", Subject::Log(&[(2, 3)])),
    ("log of four slots", Subject::Log(&[(3, 3), (4, 10)])),
    ("log of eight slots", Subject::Log(&[(3, 3), (5, 10)])),
];

/// Limiters of one word, and the steps of a grant and of a refusal when nobody disturbs them.
const ONE_WORD: [(&str, Subject, u64, u64); 4] = [
    ("word", Subject::Strict(2, &[(3, 6), (5, 20)]), 2, 1),
    ("pair", Subject::Nominal(&[(2, 4), (3, 12)]), 2, 1),
    ("window counter", Subject::Counter([2, 0, 1], &[(3, 4), (4, 12)]), 3, 2),
    ("window counter with units", Subject::Counter([2, 1, 1], &[(5, 4), (9, 12)]), 3, 2),
];

/// More steps than any of these calls takes alone.
const STEPS: u64 = 24;

#[test]
fn a_paused_call_does_no_harm() {
    for (name, subject) in SUBJECTS {
        for step in 0..STEPS {
            for others in [1, 2, 3, 4, 6, 9] {
                for (now, n) in [(0, 1), (0, 2), (5, 1), (30, 2)] {
                    let limiter = Arc::new(subject.build());
                    let paused_call = take(now, n);
                    let (paused, is_paused) = mpsc::channel();
                    let (wake, woken) = mpsc::channel();
                    let sleeper = {
                        let limiter = Arc::clone(&limiter);
                        std::thread::spawn(move || {
                            let at = paused.clone();
                            hook::before_each_step(move |done| {
                                if done == step {
                                    at.send(()).expect("the other thread waits");
                                    woken.recv().expect("the other thread wakes this one");
                                }
                            });
                            let reply = perform(&**limiter, paused_call);
                            hook::unhook();
                            (paused_call, reply)
                        })
                    };
                    // An error says that the call was over before the step.
                    let _ = is_paused.recv();
                    let calls =
                        (0..others).flat_map(|i| [take(i * 4, 1 + u32::from(i % 3 == 1)), status(i * 4)]);
                    let heard: Vec<_> = calls.map(|call| (call, perform(&**limiter, call))).collect();
                    let _ = wake.send(());
                    let slept = [sleeper.join().expect("a thread that returns")];
                    let after: Vec<_> = [status(40), take(41, 1), status(60)]
                        .map(|call| (call, perform(&**limiter, call)))
                        .to_vec();
                    assert!(
                        explained(&subject.spec(), &[&slept, &heard], &after),
                        "{name}, paused at step {step}: {slept:?} beside {heard:?}, then {after:?}"
                    );
                }
            }
        }
    }
}

/// A call that waits as if it had lost a race reads the word once more.
#[test]
fn a_call_that_nobody_disturbs_waits_for_nobody() {
    for (name, subject, to_grant, to_refuse) in ONE_WORD {
        let limiter = subject.build();
        let mut replies = [0, 0];
        for (now, n) in (0..60).flat_map(|now| [(now, 1), (now, 2), (now, 2)]) {
            let steps = Rc::new(Cell::new(0));
            let counted = Rc::clone(&steps);
            hook::before_each_step(move |done| counted.set(done + 1));
            let reply = perform(&*limiter, take(now, n));
            hook::unhook();
            let granted = reply == Reply::Granted;
            let most = if granted { to_grant } else { to_refuse };
            assert!(steps.get() <= most, "{name}: {reply:?} at {now} took {} steps", steps.get());
            replies[usize::from(granted)] += 1;
        }
        assert!(replies.iter().all(|&seen| seen >= 10), "{name}: {replies:?}");
    }
}
