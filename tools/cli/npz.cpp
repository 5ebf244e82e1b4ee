// SPDX-License-Identifier: Apache-2.0
#include "cli/npz.h"

#include <zip.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>

#include "support/fail.h"

namespace flexion::cli {
namespace {

struct ElementType {
    const char* descr;  // as NumPy writes it
    DType dtype;
};
constexpr ElementType kElementTypes[] = {
    {"<f4", DType::f32}, {"<f8", DType::f64}, {"<f2", DType::f16},
    {"<i8", DType::i64}, {"<i4", DType::i32}, {"<i2", DType::i16},
    {"|i1", DType::i8},  {"|u1", DType::u8},  {"|b1", DType::boolean},
};

struct CloseArchive {
    void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, CloseArchive>;

Archive open(const std::string& path, int flags) {
    int code = 0;
    Archive archive(zip_open(path.c_str(), flags, &code));
    if (!archive) {
        zip_error_t error;
        zip_error_init_with_code(&error, code);
        const std::string text = zip_error_strerror(&error);
        zip_error_fini(&error);
        fail<UserError>("flexion: {}: {}", path, text);
    }
    return archive;
}

/// The text after `'key':` in a .npy header, up to the end of the header.
std::string_view value_of(std::string_view header, std::string_view key, const std::string& where) {
    const std::size_t at = header.find(key);
    if (at == std::string_view::npos)
        fail<UserError>("flexion: {}: no {} in its header", where, key);
    std::string_view rest = header.substr(at + key.size() + 1);
    rest.remove_prefix(std::min(rest.find_first_not_of(" :"), rest.size()));
    return rest;
}

Array parse_npy(std::vector<char> file, const std::string& where) {
    constexpr std::string_view kMagic = "\x93NUMPY";
    const auto byte = [&](std::size_t i) {
        return static_cast<std::size_t>(static_cast<unsigned char>(file[i]));
    };
    if (file.size() < 12 || std::string_view(file.data(), kMagic.size()) != kMagic || byte(6) > 2) {
        fail<UserError>("flexion: {}: not a .npy array of format version 1 or 2", where);
    }
    const bool long_header = byte(6) == 2;
    std::size_t header_bytes = byte(8) | byte(9) << 8;
    if (long_header) header_bytes |= byte(10) << 16 | byte(11) << 24;
    const std::size_t begin = long_header ? 12 : 10;
    if (begin + header_bytes > file.size()) fail<UserError>("flexion: {}: cut off", where);
    const std::string_view header(file.data() + begin, header_bytes);

    Array array;
    const std::string_view descr = value_of(header, "'descr'", where).substr(1);
    const auto* type =
        std::find_if(std::begin(kElementTypes), std::end(kElementTypes),
                     [&](const ElementType& row) { return descr.starts_with(row.descr); });
    if (type == std::end(kElementTypes)) {
        fail<UserError>(
            "flexion: {}: elements of type {}; expected f2 f4 f8 i1 i2 i4 i8 u1 or bool", where,
            descr.substr(0, descr.find('\'')));
    }
    if (value_of(header, "'fortran_order'", where).starts_with("True")) {
        fail<UserError>("flexion: {}: in Fortran order; save numpy.ascontiguousarray of it", where);
    }
    std::string_view shape = value_of(header, "'shape'", where);
    std::vector<std::int64_t> extents;
    for (std::size_t i = 1; i < shape.size() && shape[i] != ')';) {
        std::int64_t extent = 0;
        const auto [end, failed] =
            std::from_chars(shape.data() + i, shape.data() + shape.size(), extent);
        if (failed != std::errc{}) {
            ++i;
            continue;
        }
        extents.push_back(extent);
        i = static_cast<std::size_t>(end - shape.data());
    }
    if (extents.size() > kMaxRank)
        fail<UserError>("flexion: {}: rank {} is above {}", where, extents.size(), kMaxRank);

    array.view.dtype = type->dtype;
    array.view.rank = static_cast<int>(extents.size());
    std::int64_t stride = 1;
    for (std::size_t i = extents.size(); i-- > 0;) {
        array.view.shape[i] = extents[i];
        array.view.strides[i] = stride;
        stride *= std::max<std::int64_t>(extents[i], 1);
    }
    const std::size_t data = begin + header_bytes;
    if (static_cast<std::size_t>(array.view.numel() * size_of(type->dtype)) != file.size() - data) {
        fail<UserError>("flexion: {}: {} bytes of data do not fit its shape", where,
                        file.size() - data);
    }
    array.bytes.assign(file.begin() + static_cast<std::ptrdiff_t>(data), file.end());
    array.view.data = array.bytes.data();
    return array;
}

std::string npy_header(const TensorView& view) {
    const auto* type =
        std::find_if(std::begin(kElementTypes), std::end(kElementTypes),
                     [&](const ElementType& row) { return row.dtype == view.dtype; });
    if (type == std::end(kElementTypes))
        fail<UserError>("flexion: NumPy has no {}", name_of(view.dtype));
    std::string text =
        formatted("{{'descr': '{}', 'fortran_order': False, 'shape': (", type->descr);
    for (int i = 0; i < view.rank; ++i)
        text += formatted("{},", view.shape[static_cast<std::size_t>(i)]);
    text += "), }";
    // The data begins at a multiple of 64 bytes.
    text.append(63 - (10 + text.size()) % 64, ' ');
    text += '\n';
    std::string header = "\x93NUMPY";
    header += {'\x01', '\x00', static_cast<char>(text.size() & 0xff),
               static_cast<char>(text.size() >> 8)};
    return header + text;
}

}  // namespace

std::map<std::string, Array> read_npz(const std::string& path) {
    const Archive archive = open(path, ZIP_RDONLY);
    std::map<std::string, Array> arrays;
    for (zip_int64_t i = 0; i < zip_get_num_entries(archive.get(), 0); ++i) {
        zip_stat_t stat;
        std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> member(
            zip_fopen_index(archive.get(), static_cast<zip_uint64_t>(i), 0), zip_fclose);
        if (zip_stat_index(archive.get(), static_cast<zip_uint64_t>(i), 0, &stat) != 0 || !member) {
            fail<UserError>("flexion: {}: {}", path, zip_strerror(archive.get()));
        }
        std::vector<char> file(stat.size);
        if (zip_fread(member.get(), file.data(), stat.size) !=
            static_cast<zip_int64_t>(stat.size)) {
            fail<UserError>("flexion: {}: {} cannot be read", path, stat.name);
        }
        std::string name = stat.name;
        if (name.ends_with(".npy")) name.resize(name.size() - 4);
        arrays.emplace(name, parse_npy(std::move(file), path + ":" + stat.name));
    }
    return arrays;
}

void write_npz(const std::string& path, const std::map<std::string, TensorView>& arrays) {
    Archive archive = open(path, ZIP_CREATE | ZIP_TRUNCATE);
    std::vector<std::string> files;
    files.reserve(arrays.size());  // libzip reads them when it closes
    for (const auto& [name, view] : arrays) {
        std::string& file = files.emplace_back(npy_header(view));
        file.append(static_cast<const char*>(view.data),
                    static_cast<std::size_t>(view.numel() * size_of(view.dtype)));
        zip_source_t* source = zip_source_buffer(archive.get(), file.data(), file.size(), 0);
        if (!source || zip_file_add(archive.get(), (name + ".npy").c_str(), source, 0) < 0) {
            fail<UserError>("flexion: {}: {}", path, zip_strerror(archive.get()));
        }
    }
    if (zip_close(archive.get()) != 0)
        fail<UserError>("flexion: {}: {}", path, zip_strerror(archive.get()));
    archive.release();  // zip_close freed it
}

}  // namespace flexion::cli
