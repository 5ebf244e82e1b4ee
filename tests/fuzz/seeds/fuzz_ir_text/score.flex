flexion.ir 1
score_mod alibi(%s: f32, %b: i32, %h: i32, %q: i32, %k: i32, %cap: f32, @slopes: f32[?], @one: bf16[]) {
  %6 = load @slopes[%h]
  %7 = sub.i32 %k, %q
  %8 = cast.f32 %7
  %9 = fma %6, %8, %s
  %10 = div %9, %cap
  %11 = tanh %10
  %12 = load @one[]
  %13 = mul %11, %12
  %14 = constant.f32 nan:0x7fc00001
  %15 = lt.i32 %q, %k
  %16 = select %15, %13, %14
  return %16, @slopes[%h]: %9, @one[]: %s
}
