#include "crapidjson.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace {

/// A growing array over realloc, which moves large blocks without copying them.
template <typename T>
struct Buffer {
  T *data = nullptr;
  size_t count = 0;
  size_t capacity = 0;

  bool reserve(size_t more) {
    if (count + more <= capacity) return true;
    size_t wanted = capacity * 2 > count + more ? capacity * 2 : count + more + 64;
    void *moved = std::realloc(data, wanted * sizeof(T));
    if (!moved) return false;
    data = static_cast<T *>(moved);
    capacity = wanted;
    return true;
  }
};

const char *message(rapidjson::ParseErrorCode code) {
  switch (code) {
    case rapidjson::kParseErrorDocumentEmpty: return "expected a value, found the end of the text";
    case rapidjson::kParseErrorDocumentRootNotSingular: return "expected the end of the text after the value";
    case rapidjson::kParseErrorValueInvalid: return "expected a value";
    case rapidjson::kParseErrorObjectMissName: return "expected the name of a member in double quotes";
    case rapidjson::kParseErrorObjectMissColon: return "expected ':' after the name of a member";
    case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket: return "expected ',' or '}' after a member";
    case rapidjson::kParseErrorArrayMissCommaOrSquareBracket: return "expected ',' or ']' after an element";
    case rapidjson::kParseErrorStringUnicodeEscapeInvalidHex: return "expected four digits after '\\u'";
    case rapidjson::kParseErrorStringUnicodeSurrogateInvalid: return "expected a surrogate pair after '\\u'";
    case rapidjson::kParseErrorStringEscapeInvalid: return "expected an escape character after '\\'";
    case rapidjson::kParseErrorStringMissQuotationMark: return "expected '\"' at the end of the string";
    case rapidjson::kParseErrorStringInvalidEncoding: return "expected a string in UTF-8";
    case rapidjson::kParseErrorNumberTooBig: return "expected a number that a binary64 can hold";
    case rapidjson::kParseErrorNumberMissFraction: return "expected digits after the decimal point";
    case rapidjson::kParseErrorNumberMissExponent: return "expected digits in the exponent";
    default: return "expected JSON";
  }
}

bool is_number_character(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/// Writes the events of RapidJSON's reader to the tape. A handler that returns false ends the parse.
struct TapeHandler {
  using Ch = char;

  Buffer<crapidjson_node> nodes;
  Buffer<char> text;
  Buffer<size_t> open;  // the containers that are not closed yet
  rapidjson::MemoryStream &stream;
  uint32_t max_depth;
  const char *failure = nullptr;

  TapeHandler(rapidjson::MemoryStream &stream, uint32_t max_depth)
      : stream(stream), max_depth(max_depth) {}

  bool fail(const char *why) {
    failure = why;
    return false;
  }
  bool put(uint32_t kind, uint32_t extent, uint64_t payload) {
    if (!nodes.reserve(1)) return fail("the text needs more memory than there is");
    nodes.data[nodes.count++] = {kind, extent, payload};
    return true;
  }
  bool put_text(uint32_t kind, const char *s, size_t length) {
    if (!text.reserve(length)) return fail("the text needs more memory than there is");
    if (length) std::memcpy(text.data + text.count, s, length);
    text.count += length;
    return put(kind, static_cast<uint32_t>(length), text.count - length);
  }
  bool start(uint32_t kind) {
    if (open.count >= max_depth) return fail("arrays and objects are nested too deeply");
    if (!open.reserve(1)) return fail("the text needs more memory than there is");
    open.data[open.count++] = nodes.count;
    return put(kind, 0, 0);
  }
  bool end(size_t count) {
    crapidjson_node &node = nodes.data[open.data[--open.count]];
    node.extent = static_cast<uint32_t>(count);
    node.payload = nodes.count;
    return true;
  }

  bool Null() { return put(crapidjson_null, 0, 0); }
  bool Bool(bool b) { return put(b ? crapidjson_true : crapidjson_false, 0, 0); }
  bool Int(int i) { return Int64(i); }
  bool Uint(unsigned u) { return Int64(u); }
  bool Int64(int64_t i) { return put(crapidjson_integer, 0, static_cast<uint64_t>(i)); }
  bool Uint64(uint64_t u) {
    return u <= INT64_MAX ? Int64(static_cast<int64_t>(u)) : put_real(static_cast<double>(u));
  }
  /// RapidJSON 1.1 is wrong by an ulp, or even in the sign, at the ends of the range (examples are
  /// 2.4703282292062327e-324 and 179769313486231580793e289), also with its full-precision flag. So the digits that
  /// it has just read are converted again, from the stream.
  bool Double(double d) {
    const char *end = stream.src_;
    const char *start = end;
    while (start > stream.begin_ && is_number_character(start[-1])) --start;
    if (start == end) return put_real(d);  // NaN, Infinity
    const auto result = std::from_chars(start, end, d);
    if (result.ec == std::errc::result_out_of_range) {
      d = std::strtod(std::string(start, end).c_str(), nullptr);
      if (std::isinf(d)) return fail(message(rapidjson::kParseErrorNumberTooBig));
    }
    return put_real(d);
  }
  bool put_real(double d) {
    uint64_t bits;
    std::memcpy(&bits, &d, sizeof bits);
    return put(crapidjson_real, 0, bits);
  }
  bool RawNumber(const char *, rapidjson::SizeType, bool) { return fail("unexpected number"); }
  bool String(const char *s, rapidjson::SizeType length, bool) {
    return put_text(crapidjson_string, s, length);
  }
  bool Key(const char *s, rapidjson::SizeType length, bool) {
    return put_text(crapidjson_key, s, length);
  }
  bool StartObject() { return start(crapidjson_object); }
  bool EndObject(rapidjson::SizeType members) { return end(members); }
  bool StartArray() { return start(crapidjson_array); }
  bool EndArray(rapidjson::SizeType elements) { return end(elements); }
};

}  // namespace

crapidjson_document crapidjson_parse(const char *source, size_t length, uint32_t max_depth) {
  rapidjson::MemoryStream stream(source, length);
  TapeHandler handler(stream, max_depth);
  rapidjson::Reader reader;
  constexpr unsigned flags = rapidjson::kParseNanAndInfFlag | rapidjson::kParseValidateEncodingFlag;
  const auto result = reader.Parse<flags>(stream, handler);
  crapidjson_document document = {};
  document.nodes = handler.nodes.data;
  document.node_count = handler.nodes.count;
  document.text = handler.text.data;
  document.text_size = handler.text.count;
  std::free(handler.open.data);
  if (result.IsError()) {
    document.error = handler.failure ? handler.failure : message(result.Code());
    document.error_offset = result.Offset();
  } else if (stream.Tell() < length) {  // the reader takes a NUL for the end
    document.error = message(rapidjson::kParseErrorDocumentRootNotSingular);
    document.error_offset = stream.Tell();
  }
  return document;
}

void crapidjson_free(crapidjson_document *document) {
  std::free(document->nodes);
  std::free(document->text);
  document->nodes = nullptr;
  document->text = nullptr;
}
