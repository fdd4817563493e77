//! What the layer must know of requests and responses: what a request costs, whether it can be sent again, and where a
//! response has its status and fields.
//!
//! Each question is a trait with two answers: one by default, which is a type of its own, and a closure.

use http::{HeaderMap, Response, StatusCode};

/// How many permits a request costs: [`One`], or a closure.
pub trait Cost<Request>: Clone {
    /// The permits of one attempt to send this request.
    fn of(&self, request: &Request) -> u32;
}

/// Every request costs one permit.
#[derive(Clone, Copy, Debug, Default)]
pub struct One;

impl<Request> Cost<Request> for One {
    fn of(&self, _: &Request) -> u32 {
        1
    }
}

impl<Request, F: Fn(&Request) -> u32 + Clone> Cost<Request> for F {
    fn of(&self, request: &Request) -> u32 {
        self(request)
    }
}

/// Whether a request can be sent again: [`Once`], or a closure that copies it or says no.
pub trait Repeat<Request>: Clone {
    /// A copy to send if the server refuses this request; `None` if it must not be sent twice.
    fn again(&self, request: &Request) -> Option<Request>;
}

/// No request is sent twice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Once;

impl<Request> Repeat<Request> for Once {
    fn again(&self, _: &Request) -> Option<Request> {
        None
    }
}

impl<Request, F: Fn(&Request) -> Option<Request> + Clone> Repeat<Request> for F {
    fn again(&self, request: &Request) -> Option<Request> {
        self(request)
    }
}

/// Where a response has its status and its fields: [`HttpFields`], or a closure.
pub trait Answer<Response>: Clone {
    /// Both, as they stand in the response.
    fn parts<'a>(&self, response: &'a Response) -> (StatusCode, &'a HeaderMap);
}

/// The response is one of the crate `http`.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpFields;

impl<B> Answer<Response<B>> for HttpFields {
    fn parts<'a>(&self, response: &'a Response<B>) -> (StatusCode, &'a HeaderMap) {
        (response.status(), response.headers())
    }
}

impl<Response, F> Answer<Response> for F
where
    F: for<'a> Fn(&'a Response) -> (StatusCode, &'a HeaderMap) + Clone,
{
    fn parts<'a>(&self, response: &'a Response) -> (StatusCode, &'a HeaderMap) {
        self(response)
    }
}
