flexion.ir 1
mask_mod document(%b: i32, %h: i32, %q: i32, %k: i32, %window: i64, @document: i16[?, ?]) {
  %5 = load @document[%b, %q]
  %6 = load @document[%b, %k]
  %7 = eq.i32 %5, %6
  %8 = sub.i32 %q, %k
  %9 = cast.i64 %8
  %10 = le.i64 %9, %window
  %11 = constant.i64 -9223372036854775808
  %12 = gt.i64 %9, %11
  %13 = logical_and %7, %10
  %14 = logical_or %13, %12
  return %14
}
