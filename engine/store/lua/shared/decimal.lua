-- Exact sums of decimals written as text; the result has the greater number of places.
-- Lua counts in doubles, exact up to 2^53: a number is two of them, high * 10^12 + low.
local LIMB = 1e12
local function split(text, scale)
  local sign, whole, part = text:match('^(-?)(%d+)%.?(%d*)$')
  local digits = whole .. part .. ('0'):rep(scale - #part)
  local factor = sign == '-' and -1 or 1
  assert(#digits <= 27, 'a number has more than 27 digits')
  return factor * (tonumber(digits:sub(1, -13)) or 0), factor * tonumber(digits:sub(-12))
end
-- Two short ones with as many places are whole numbers of their last place: one double holds them.
local SHORT = 15 -- characters: what they come to stays below 2^53
local function short_sum(a, b, places)
  local units = a:gsub('%.', '') + b:gsub('%.', '')
  local text = ('%0' .. places + 1 .. '.0f'):format(math.abs(units))
  if places > 0 then text = text:sub(1, -places - 1) .. '.' .. text:sub(-places) end
  return (units < 0 and '-' or '') .. text
end
local function sum(a, b)
  local of_a, of_b = a:match('^%-?%d+%.?(%d*)$'), b:match('^%-?%d+%.?(%d*)$')
  if of_a and of_b and #of_a == #of_b and #a <= SHORT and #b <= SHORT then
    return short_sum(a, b, #of_a)
  end
  local scale = math.max(#(a:match('%.(%d+)$') or ''), #(b:match('%.(%d+)$') or ''))
  local high_a, low_a = split(a, scale)
  local high_b, low_b = split(b, scale)
  local high, low = high_a + high_b, low_a + low_b
  local carry = math.floor(low / LIMB)
  high, low = high + carry + 0, low - carry * LIMB + 0
  local negative = high < 0
  if negative then
    high, low = 0 - high, 0 - low
    if low < 0 then high, low = high - 1, low + LIMB end
  end
  local text = ('%.0f%012.0f'):format(high, low):gsub('^0+', '')
  text = ('0'):rep(scale + 1 - #text) .. text
  if scale > 0 then text = text:sub(1, -scale - 1) .. '.' .. text:sub(-scale) end
  return (negative and '-' or '') .. text
end
