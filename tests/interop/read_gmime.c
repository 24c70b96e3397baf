/* read_gmime FILE...: each message as GMime reads it, a line of JSON (the form stands in interop_test.py). */
#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>

static void put_string(const char* s, gssize size) {
  if (!s) {
    fputs("null", stdout);
    return;
  }
  if (size < 0) size = (gssize)strlen(s);
  putchar('"');
  for (gssize i = 0; i < size; ++i) {
    unsigned char c = (unsigned char)s[i];
    if (c == '"' || c == '\\')
      printf("\\%c", c);
    else if (c < 0x20 || c == 0x7f)
      printf("\\u%04x", c);
    else
      putchar(c);
  }
  putchar('"');
}

static void put(const char* key, const char* value) {
  printf(",\"%s\":", key);
  put_string(value, -1);
}

static void put_addresses(const char* key, InternetAddressList* list) {
  printf(",\"%s\":[", key);
  int n = list ? internet_address_list_length(list) : 0;
  for (int i = 0, put_one = 0; i < n; ++i) {
    InternetAddress* a = internet_address_list_get_address(list, i);
    if (!INTERNET_ADDRESS_IS_MAILBOX(a)) continue; /* undisclosed-recipients:; */
    fputs(put_one++ ? ",[" : "[", stdout);
    const char* name = internet_address_get_name(a);
    put_string(name ? name : "", -1);
    putchar(',');
    put_string(internet_address_mailbox_get_idn_addr(INTERNET_ADDRESS_MAILBOX(a)), -1);
    putchar(']');
  }
  putchar(']');
}

struct reading {
  char *text, *html;
  GString* files;
};

static GByteArray* content_of(GMimeObject* part) {
  GMimeStream* stream = g_mime_stream_mem_new();
  if (GMIME_IS_MESSAGE_PART(part)) {
    GMimeMessage* inner = g_mime_message_part_get_message((GMimeMessagePart*)part);
    GMimeFormatOptions* options = g_mime_format_options_new();
    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
    g_mime_object_write_to_stream((GMimeObject*)inner, options, stream);
    g_mime_format_options_free(options);
  } else {
    GMimeDataWrapper* wrapper = g_mime_part_get_content((GMimePart*)part);
    if (wrapper) g_mime_data_wrapper_write_to_stream(wrapper, stream);
  }
  GByteArray* bytes = g_byte_array_new();
  GByteArray* have = g_mime_stream_mem_get_byte_array((GMimeStreamMem*)stream);
  g_byte_array_append(bytes, have->data, have->len);
  g_object_unref(stream);
  return bytes;
}

static void json_escape(GString* out, const char* s) {
  g_string_append_c(out, '"');
  for (; s && *s; ++s) {
    if (*s == '"' || *s == '\\')
      g_string_append_printf(out, "\\%c", *s);
    else if ((unsigned char)*s < 0x20)
      g_string_append_printf(out, "\\u%04x", (unsigned char)*s);
    else
      g_string_append_c(out, *s);
  }
  g_string_append_c(out, '"');
}

static void visit(GMimeObject* parent, GMimeObject* part, gpointer data) {
  struct reading* r = data;
  (void)parent;
  if (GMIME_IS_MULTIPART(part)) return;
  GByteArray* bytes = content_of(part);
  GMimeContentType* type = g_mime_object_get_content_type(part);
  const char* disposition = g_mime_object_get_disposition(part);
  if (!disposition && GMIME_IS_TEXT_PART(part)) {
    char** slot = g_mime_content_type_is_type(type, "text", "html") ? &r->html : &r->text;
    if (!*slot) *slot = g_strndup(bytes->len ? (const char*)bytes->data : "", bytes->len);
  } else {
    char* sha = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes->data, bytes->len);
    char* mime = g_mime_content_type_get_mime_type(type);
    /* For a message part GMime has the name as a parameter of the disposition only. */
    const char* name = GMIME_IS_PART(part)
                           ? g_mime_part_get_filename((GMimePart*)part)
                           : g_mime_object_get_content_disposition_parameter(part, "filename");
    if (r->files->len) g_string_append_c(r->files, ',');
    g_string_append(r->files, "{\"name\":");
    json_escape(r->files, name);
    g_string_append(r->files, ",\"type\":");
    json_escape(r->files, mime);
    g_string_append(r->files, ",\"cid\":");
    json_escape(r->files, g_mime_object_get_content_id(part));
    g_string_append_printf(r->files, ",\"inline\":%s,\"size\":%u,\"sha256\":\"%s\"}",
                           disposition && !strcmp(disposition, "inline") ? "true" : "false", bytes->len, sha);
    g_free(sha);
    g_free(mime);
  }
  g_byte_array_free(bytes, TRUE);
}

static void read_one(const char* path) {
  FILE* file = fopen(path, "rb");
  if (!file) {
    perror(path);
    exit(1);
  }
  GMimeStream* stream = g_mime_stream_file_new(file);
  GMimeParser* parser = g_mime_parser_new_with_stream(stream);
  GMimeMessage* m = g_mime_parser_construct_message(parser, NULL);
  if (!m) {
    fprintf(stderr, "%s: GMime cannot read it\n", path);
    exit(1);
  }
  const char* base = strrchr(path, '/');
  fputs("{\"file\":", stdout);
  put_string(base ? base + 1 : path, -1);
  GDateTime* date = g_mime_message_get_date(m);
  printf(",\"date\":%lld", date ? (long long)g_date_time_to_unix(date) : -1LL);
  put("subject", g_mime_message_get_subject(m));
  put("message_id", g_mime_message_get_message_id(m));
  put_addresses("from", g_mime_message_get_from(m));
  put_addresses("to", g_mime_message_get_to(m));
  put_addresses("cc", g_mime_message_get_cc(m));
  put_addresses("bcc", g_mime_message_get_bcc(m));
  put_addresses("reply_to", g_mime_message_get_reply_to(m));
  put("in_reply_to", g_mime_object_get_header((GMimeObject*)m, "In-Reply-To"));
  put("references", g_mime_object_get_header((GMimeObject*)m, "References"));
  put("x", g_mime_object_get_header((GMimeObject*)m, "X-Mailroom-Test"));
  struct reading r = {0};
  r.files = g_string_new(NULL);
  g_mime_message_foreach(m, visit, &r);
  put("text", r.text);
  put("html", r.html);
  printf(",\"attachments\":[%s]}\n", r.files->str);
  g_string_free(r.files, TRUE);
  g_free(r.text);
  g_free(r.html);
  g_object_unref(m);
  g_object_unref(parser);
  g_object_unref(stream);
}

int main(int argc, char** argv) {
  g_mime_init();
  for (int i = 1; i < argc; ++i) read_one(argv[i]);
  g_mime_shutdown();
  return 0;
}
