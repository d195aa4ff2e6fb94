//! Mathematical built-ins: libm's functions under their own names.

use crate::program::Data;
use crate::value::{Error, Val, fail};
use jaq_core::Native;
use jaq_core::native::{Fun, bome, v};

fn number(value: &Val) -> Result<f64, Error> {
    match value {
        Val::Num(number) => Ok(*number),
        other => fail(format!("{} number required", other.named())),
    }
}

macro_rules! one {
    ($($name:literal => $function:expr,)*) => {
        vec![$(($name, v(0), Native::new(|cv| bome(number(&cv.1).map(|x| Val::Num($function(x))))))),*]
    };
}

macro_rules! two {
    ($($name:literal => $function:expr,)*) => {
        vec![$(($name, v(2), Native::new(|mut cv| {
            let (b, a) = (cv.0.pop_var(), cv.0.pop_var());
            bome(number(&a).and_then(|a| Ok(Val::Num($function(a, number(&b)?)))))
        }))),*]
    };
}

fn significand(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() { x } else { libm::scalbn(x, -libm::ilogb(x)) }
}

fn logb(x: f64) -> f64 {
    match x {
        0.0 => f64::NEG_INFINITY,
        x if x.is_infinite() => f64::INFINITY,
        x if x.is_nan() => x,
        x => f64::from(libm::ilogb(x)),
    }
}

fn drem(a: f64, b: f64) -> f64 {
    libm::remainder(a, b)
}

fn scalb(x: f64, exponent: f64) -> f64 {
    libm::scalbn(x, exponent as i32)
}

pub fn all() -> impl Iterator<Item = Fun<Data>> {
    let ones: Vec<Fun<Data>> = one![
        "floor" => f64::floor, "ceil" => f64::ceil, "round" => f64::round, "trunc" => f64::trunc, "sqrt" => f64::sqrt,
        "fabs" => f64::abs, "rint" => f64::round_ties_even, "nearbyint" => f64::round_ties_even,
        "sin" => libm::sin, "cos" => libm::cos, "tan" => libm::tan, "asin" => libm::asin, "acos" => libm::acos, "atan" => libm::atan,
        "sinh" => libm::sinh, "cosh" => libm::cosh, "tanh" => libm::tanh,
        "asinh" => libm::asinh, "acosh" => libm::acosh, "atanh" => libm::atanh,
        "exp" => libm::exp, "exp2" => libm::exp2, "exp10" => libm::exp10, "expm1" => libm::expm1,
        "log" => libm::log, "log2" => libm::log2, "log10" => libm::log10, "log1p" => libm::log1p, "logb" => logb,
        "cbrt" => libm::cbrt, "significand" => significand, "gamma" => libm::lgamma, "lgamma" => libm::lgamma,
        "tgamma" => libm::tgamma, "lgamma_r" => libm::lgamma, "j0" => libm::j0, "j1" => libm::j1, "y0" => libm::y0, "y1" => libm::y1,
        "abs" => f64::abs,
    ];
    let twos: Vec<Fun<Data>> = two![
        "pow" => libm::pow, "atan2" => libm::atan2, "fmin" => libm::fmin, "fmax" => libm::fmax, "fmod" => libm::fmod,
        "hypot" => libm::hypot, "copysign" => libm::copysign, "drem" => drem, "ldexp" => scalb, "scalb" => scalb, "scalbln" => scalb,
        "nextafter" => libm::nextafter, "nexttoward" => libm::nextafter, "fdim" => libm::fdim,
    ];
    let others: Vec<Fun<Data>> = vec![
        (
            "fma",
            v(3),
            Native::new(|mut cv| {
                let (c, b, a) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
                bome(number(&a).and_then(|a| Ok(Val::Num(libm::fma(a, number(&b)?, number(&c)?)))))
            }),
        ),
        (
            "frexp",
            v(0),
            Native::new(|cv| {
                bome(number(&cv.1).map(|x| {
                    let (mantissa, exponent) = libm::frexp(x);
                    Val::arr(vec![Val::Num(mantissa), Val::Num(f64::from(exponent))])
                }))
            }),
        ),
        (
            "modf",
            v(0),
            Native::new(|cv| {
                bome(number(&cv.1).map(|x| {
                    let (part, whole) = libm::modf(x);
                    Val::arr(vec![Val::Num(part), Val::Num(whole)])
                }))
            }),
        ),
    ];
    ones.into_iter().chain(twos).chain(others)
}
